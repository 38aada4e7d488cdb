import { describe, expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import type { MemberRole } from "#contract/site.ts";
import { type SiteVerb, siteVerbs } from "#contract/verb.ts";
import { demandSiteVerb, mayPlatform, verbsFor } from "./policy.ts";

const codeOf = (question: Parameters<typeof demandSiteVerb>[0], verb: SiteVerb): string => {
  try {
    demandSiteVerb(question, verb);
    return "allowed";
  } catch (error) {
    return error instanceof Failure ? error.code : "bug";
  }
};

// The whole table, so that a new verb or role is a visible decision.
const allowed: Readonly<Record<MemberRole, readonly SiteVerb[]>> = {
  viewer: ["site.read", "site.logs", "site.files.read"],
  editor: ["site.read", "site.logs", "site.files.read", "site.files.write", "site.deploy", "site.run", "site.shell", "site.tasks"],
  owner: [
    "site.read",
    "site.logs",
    "site.files.read",
    "site.files.write",
    "site.deploy",
    "site.run",
    "site.shell",
    "site.tasks",
    "site.configure",
    "site.members",
    "site.delete",
  ],
};

describe("what may be done to a site", () => {
  for (const role of ["viewer", "editor", "owner"] as const) {
    for (const verb of siteVerbs) {
      const expected = allowed[role].includes(verb) ? "allowed" : "role_too_low";
      test(`${role} asking for ${verb} is ${expected}`, () => {
        expect(codeOf({ userRole: "member", memberRole: role, availability: "enabled" }, verb)).toBe(expected);
      });
    }
  }

  test("someone who is no member cannot tell the site from one that does not exist", () => {
    for (const verb of siteVerbs) expect(codeOf({ userRole: "member", memberRole: null, availability: "enabled" }, verb)).toBe("site_not_found");
  });

  test("an administrator may do everything, to a disabled site too", () => {
    expect(verbsFor({ userRole: "administrator", memberRole: null, availability: "disabled" })).toEqual(siteVerbs);
  });

  test("members of a disabled site can only look at it and are told so", () => {
    expect(verbsFor({ userRole: "member", memberRole: "owner", availability: "disabled" })).toEqual(["site.read"]);
    expect(codeOf({ userRole: "member", memberRole: "owner", availability: "disabled" }, "site.files.write")).toBe("site_disabled");
    expect(codeOf({ userRole: "member", memberRole: "viewer", availability: "disabled" }, "site.files.write")).toBe("role_too_low");
  });

  test("a site that is not served can still be edited", () => {
    expect(verbsFor({ userRole: "member", memberRole: "owner", availability: "not-served" })).toEqual(allowed.owner);
  });
});

test("members may create sites and nothing else of the installation", () => {
  expect(mayPlatform("member", "site.create")).toBe(true);
  for (const verb of ["users.read", "users.manage", "audit.read", "platform.manage"] as const) {
    expect(mayPlatform("member", verb)).toBe(false);
    expect(mayPlatform("administrator", verb)).toBe(true);
  }
});
