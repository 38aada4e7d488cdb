// What doors ask of files beyond what the dashboard does, over HTTP: with the site's limits, and only with the grant for it.
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Client, createClient } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import type { GrantVerb } from "#contract/grant.ts";
import { patchFile, resizeFile, setModified, statPath } from "#contract/internal/door-files.ts";
import { applySite } from "#contract/internal/orchestrator.ts";
import { defaultSiteLimits, homeFolderId } from "#contract/site.ts";
import {
  makeOrchestratorHome,
  type OrchestratorHome,
  type OrchestratorUnderTest,
  specOf,
  startOrchestratorUnderTest,
} from "../../../test/support/orchestrator-under-test.ts";

const params = { siteId: 7 };
let home: OrchestratorHome;
let orchestrator: OrchestratorUnderTest;
let folder: string;

beforeEach(async () => {
  home = await makeOrchestratorHome();
  orchestrator = await startOrchestratorUnderTest(home);
  const limits = { ...defaultSiteLimits, fileBytes: 1_000_000, diskBytes: 3_000_000 };
  await orchestrator.client.call(applySite, { params, body: specOf(7, { kind: "static", limits }) });
  folder = home.folderOf(7);
});
afterEach(async () => {
  await orchestrator[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

/** The door, with a grant of the manager for one site. */
function doorOf(verbs: readonly GrantVerb[] = ["site.files.read", "site.files.write"], site: number = params.siteId): Client {
  const token = () => home.signer.sign({ aud: "orchestrator", sub: "ftp", site, verbs: [...verbs] });
  return createClient({ baseUrl: orchestrator.url, token });
}

const patch = (path: string, body: string, query: object = {}) => doorOf().call(patchFile, { params, query: { path, ...query }, body });
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error: unknown) => (error instanceof Failure ? error.code : String(error)),
  );
const stat = (path: string, follow = true) => doorOf().call(statPath, { params, query: { path, follow } });

describe("what doors ask of files", () => {
  it("is what stands at a path, behind its links or not", async () => {
    writeFileSync(join(folder, "a.txt"), "abc", { mode: 0o755 });
    symlinkSync("a.txt", join(folder, "link"));
    symlinkSync("/etc", join(folder, "out"));
    expect(await stat("link")).toMatchObject({ name: "a.txt", type: "file", size: 3, executable: true });
    expect(await stat("link", false)).toMatchObject({ name: "link", type: "link", target: "a.txt" });
    expect([await codeOf(stat("none")), await codeOf(stat("out/passwd")), await codeOf(stat("../x"))]).toEqual([
      "file_not_found",
      "path_outside_site",
      expect.stringMatching(/^path_/),
    ]);
  });

  it("is writing into a file: at an offset, at its end, or a new one", async () => {
    expect(await patch("a.txt", "012345", { offset: 0, absent: true })).toEqual({ created: true, size: 6 });
    expect(await patch("a.txt", "ab", { offset: 1 })).toEqual({ created: false, size: 6 });
    expect(await patch("a.txt", "xyz")).toEqual({ created: false, size: 9 });
    expect(readFileSync(join(folder, "a.txt"), "utf8")).toBe("0ab345xyz");
    expect([await codeOf(patch("a.txt", "x", { offset: 0, absent: true })), await codeOf(patch("a.txt", "x", { offset: 10 }))]).toEqual([
      "file_changed",
      "range_not_satisfiable",
    ]);
  });

  it("stops at the limits of the site, however the bytes come, and counts what stayed", async () => {
    expect(await codeOf(patch("big.txt", "x".repeat(1_000_001)))).toBe("file_too_large");
    expect(await patch("a.txt", "x".repeat(900_000))).toMatchObject({ size: 900_000 });
    expect(await codeOf(patch("a.txt", "x".repeat(200_000)))).toBe("file_too_large");
    expect(await patch("b.txt", "x".repeat(900_000))).toMatchObject({ size: 900_000 });
    expect(await codeOf(patch("c.txt", "x".repeat(900_000)))).toBe("quota_exceeded");
    // What arrived within the limits stayed, and writing over what is there makes nothing longer.
    expect(await patch("b.txt", "y".repeat(900_000), { offset: 0 })).toMatchObject({ size: 900_000 });
  });

  it("counts what is written into holes, and holes not at all", async () => {
    for (const name of ["one", "two"]) writeFileSync(join(folder, name), "x".repeat(900_000));
    for (const name of ["a.txt", "b.txt"]) await patch(name, "", { offset: 0 });
    await doorOf().call(resizeFile, { params, body: { path: "a.txt", size: 900_000 } });
    await doorOf().call(resizeFile, { params, body: { path: "b.txt", size: 900_000 } });
    expect(await patch("a.txt", "y".repeat(900_000), { offset: 0 })).toMatchObject({ size: 900_000 });
    expect(await codeOf(patch("b.txt", "y".repeat(900_000), { offset: 0 }))).toBe("quota_exceeded");
    expect(statSync(join(folder, "b.txt")).blocks * 512).toBeLessThan(400_000);
  });

  it("is the time of the last change", async () => {
    mkdirSync(join(folder, "sub"));
    const modifiedAt = "2020-01-02T03:04:05.000Z";
    await doorOf().call(setModified, { params, body: { path: "sub", modifiedAt } });
    expect(await stat("sub")).toMatchObject({ type: "folder", modifiedAt });
    expect(await codeOf(doorOf().call(setModified, { params, body: { path: "none", modifiedAt } }))).toBe("file_not_found");
  });

  it("needs a grant for this site and this kind of access", async () => {
    const reader = doorOf(["site.files.read"]);
    const refused = [
      reader.call(patchFile, { params, query: { path: "a.txt" }, body: "x" }),
      reader.call(setModified, { params, body: { path: "", modifiedAt: "2020-01-02T03:04:05.000Z" } }),
      doorOf(["site.files.write"]).call(statPath, { params, query: { path: "" } }),
      doorOf(undefined, 8).call(statPath, { params, query: { path: "" } }),
      doorOf().call(statPath, { params: { siteId: homeFolderId }, query: { path: "" } }),
    ];
    expect(await Promise.all(refused.map(codeOf))).toEqual(refused.map(() => "grant_refused"));
  });
});
