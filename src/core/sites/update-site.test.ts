import { expect, test } from "vitest";
import type { Capabilities } from "#contract/internal/orchestrator.ts";
import { actor, actorSite } from "../../../test/support/builders.ts";
import type { ActorSite } from "./site.ts";
import { routeOf, specOf } from "./site-spec.ts";
import type { PlannedChange, SiteStore } from "./site-store.ts";
import { environmentVersion, type UpdateSiteInput, updateSite, writeEnvironment } from "./update-site.ts";

const capabilities: Capabilities = {
  isolates: true,
  missing: [],
  limits: { memory: true, cpu: true, pids: true },
  freezes: true,
  freezeNote: null,
  egress: { isAvailable: true, notes: [] },
  interpreters: {},
  starters: [],
};

/** What became of a change: what was stored, and the steps of its operation. */
async function change(
  site: ActorSite,
  input: UpdateSiteInput,
  given: { readonly dedicates?: boolean; readonly role?: "member" | "administrator"; readonly now?: ActorSite } = {},
) {
  const stored: PlannedChange[] = [];
  const sites: Pick<SiteStore, "update"> = {
    update: async (_site, plan) => {
      stored.push(plan(given.now ?? site, null));
      return { site, operation: null };
    },
  };
  const deps = {
    // The one call that a change makes.
    sites: sites as SiteStore,
    host: { capabilities: async () => ({ ...capabilities, dedicates: given.dedicates ?? true }), statusOf: () => undefined },
    runPolicy: { mayEveryoneRunUnisolated: false },
    images: { byId: async () => null },
    newId: () => "3f1f3c3a-5a52-4c39-8f38-1f6f7f0d7f11",
    awakeLimit: 3,
  };
  await updateSite(deps, actor({ role: given.role ?? "administrator" }), { site, input });
  return { changes: stored[0]?.changes, steps: stored[0]?.operation?.steps.map(({ name }) => name), awakeLimit: stored[0]?.awakeLimit };
}

test("only administrators give a site a file server of its own, only a static one, and only where the runtime has such", async () => {
  const site = actorSite();
  await expect(change(site, { dedicated: true }, { role: "member" })).rejects.toMatchObject({ code: "administrators_only" });
  await expect(change(site, { dedicated: true }, { dedicates: false })).rejects.toMatchObject({ code: "dedicated_unavailable" });
  await expect(change(site, { dedicated: true, kind: "dynamic" })).rejects.toMatchObject({ code: "input_invalid" });
  await expect(change(actorSite({ kind: "dynamic" }), { dedicated: true })).rejects.toMatchObject({ code: "input_invalid" });
  expect(await change(site, { dedicated: true })).toEqual({ changes: { isDedicated: true }, steps: ["apply", "publish"] });
  // Taken away it can be anywhere.
  expect(await change(actorSite({ isDedicated: true }), { dedicated: false }, { dedicates: false })).toEqual({
    changes: { isDedicated: false },
    steps: ["publish", "apply"],
  });
});

test("what may be running is exchanged when something else is to run, and left when nothing is", async () => {
  const restarted = ["apply", "publish", "refresh"];
  const dedicated = actorSite({ isDedicated: true });
  expect((await change(dedicated, { kind: "dynamic" })).steps).toEqual(restarted);
  expect((await change(dedicated, { limits: { cpu: 1 }, reason: "many visitors" })).steps).toEqual(restarted);
  expect((await change(actorSite({ kind: "dynamic", isDedicated: true }), { kind: "static" })).steps).toEqual(restarted);
  expect((await change(dedicated, { dedicated: false })).steps).toEqual(["publish", "apply"]);
  expect((await change(actorSite(), { kind: "dynamic" })).steps).toEqual(["apply", "publish"]);
});

test("routers wake a static site with a file server of its own and send visitors there; its orchestrator knows it for one", () => {
  const given = { environment: {}, database: null, image: null, routeVersion: 7 };
  const dedicated = actorSite({ isDedicated: true });
  expect([routeOf(actorSite(), "localhost").kind, routeOf(dedicated, "localhost").kind]).toEqual(["static", "dynamic"]);
  expect(specOf(dedicated, given, false)).toMatchObject({ kind: "static", isDedicated: true });
  expect(specOf(actorSite({ kind: "dynamic", isDedicated: true }), given, false)).toMatchObject({ kind: "dynamic", isDedicated: false });
});

test("what the site is by now decides what becomes of a change, not what it was when it was read", async () => {
  const read = actorSite({ kind: "dynamic" });
  const now = actorSite({ kind: "static", settings: { ...read.settings, canRunTwice: false }, limits: { ...read.limits, pids: 7 } });
  expect(await change(read, { limits: { cpu: 2 }, reason: "video" }, { now })).toEqual({
    changes: { limits: { ...now.limits, cpu: 2 } },
    steps: ["apply", "publish"],
  });
  await expect(change(now, { dedicated: true }, { now: read })).rejects.toMatchObject({ code: "input_invalid" });
});

test("a program that is to stay awake from now on takes one of its owners' places, and only then", async () => {
  const asleep = actorSite({ kind: "dynamic" });
  const awake = actorSite({ kind: "dynamic", settings: { ...asleep.settings, idleSeconds: null } });
  const resting = actorSite({ kind: "static", settings: awake.settings });
  const limitOf = async (site: ActorSite, input: UpdateSiteInput, given: { role?: "member" | "administrator"; now?: ActorSite } = {}) =>
    (await change(site, input, { role: "member", ...given })).awakeLimit;
  const never = { settings: { idleSeconds: null } };
  expect(await limitOf(asleep, never)).toBe(3);
  expect(await limitOf(resting, { kind: "dynamic" })).toBe(3);
  expect(await limitOf(actorSite(), { kind: "dynamic", ...never })).toBe(3);
  // A file server of its own is a program too.
  expect(await limitOf(actorSite({ isDedicated: true }), never)).toBe(3);
  // What it is by now decides.
  expect(await limitOf(awake, never, { now: asleep })).toBe(3);
  expect(await limitOf(asleep, never, { now: awake })).toBeUndefined();
  // Awake already, or asleep after all, or without a program.
  expect(await limitOf(awake, { settings: { timeZone: "Europe/Berlin" } })).toBeUndefined();
  expect(await limitOf(awake, { name: "other", ...never })).toBeUndefined();
  expect(await limitOf(asleep, { settings: { idleSeconds: 60 } })).toBeUndefined();
  expect(await limitOf(asleep, { description: "words" })).toBeUndefined();
  expect(await limitOf(actorSite(), never)).toBeUndefined();
  expect(await limitOf(asleep, { kind: "static", ...never })).toBeUndefined();
  // Administrators' own, and what one of them sets.
  expect(await limitOf(asleep, never, { role: "administrator" })).toBeUndefined();
  expect(await limitOf({ ...asleep, isOwnedByAdministrator: true }, never)).toBeUndefined();
});

test("variables are replaced only while they are those that the writer has read, by what is held when it is their turn", async () => {
  const site = actorSite({ kind: "dynamic" });
  let held: string | null = null;
  const update: SiteStore["update"] = async (_site, plan) => {
    held = plan(site, held).changes.environment ?? held;
    return { site, operation: null };
  };
  // The one call that a write makes.
  const deps = { sites: { update } as SiteStore, newId: () => "3f1f3c3a-5a52-4c39-8f38-1f6f7f0d7f11" };
  const write = (sealed: string, expected?: string) => writeEnvironment(deps, actor(), { site, sealed, expected });
  const empty = environmentVersion(null);
  await write("mine", empty);
  await expect(write("theirs", empty)).rejects.toMatchObject({ code: "environment_changed" });
  expect(held).toBe("mine");
  await write("theirs", environmentVersion("mine"));
  // Whoever says nothing of it writes over everything, as ever.
  await write("last");
  expect(held).toBe("last");
});
