import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultSiteLimits } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { silentLog } from "#kit/log.ts";
import { SpecStore } from "./spec-store.ts";

const secret = new Uint8Array(32).fill(7);
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-specs-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function spec(given: Partial<SiteSpec> = {}): SiteSpec {
  return {
    siteId: 7,
    name: "foo",
    kind: "dynamic",
    availability: "enabled",
    limits: defaultSiteLimits,
    environment: { TOKEN: "a-secret-of-the-site" },
    timeZone: "UTC",
    canRunTwice: true,
    egress: "none",
    database: null,
    isTrusted: false,
    revision: 3,
    ...given,
  };
}

function open(key = secret): Promise<SpecStore> {
  return SpecStore.open({ folder, secret: key, log: silentLog() });
}

describe("the store of specifications", () => {
  it("knows them again after a restart", async () => {
    await (await open()).put(spec());
    await (await open()).put(spec({ siteId: 8, revision: 0 }));
    expect((await open()).all().toSorted((a, b) => a.siteId - b.siteId)).toEqual([spec(), spec({ siteId: 8, revision: 0 })]);
  });

  it("never goes back to an older one", async () => {
    const store = await open();
    await store.put(spec({ revision: 5, name: "new" }));
    expect(await store.put(spec({ revision: 4, name: "old" }))).toEqual(spec({ revision: 5, name: "new" }));
    expect((await open()).get(7)).toEqual(spec({ revision: 5, name: "new" }));
  });

  it("keeps a site's variables unreadable on disk", async () => {
    await (await open()).put(spec());
    for (const name of await readdir(folder)) expect(await readFile(join(folder, name), "utf8")).not.toContain("a-secret-of-the-site");
    expect((await open(new Uint8Array(32).fill(8))).all()).toEqual([]);
  });

  it("leaves out a file that was damaged, or put in another's place, and reads the others", async () => {
    const store = await open();
    for (const siteId of [1, 2, 3]) await store.put(spec({ siteId }));
    await writeFile(join(folder, "2.sealed"), "v1:broken");
    await writeFile(join(folder, "3.sealed"), await readFile(join(folder, "1.sealed")));
    expect((await open()).all().map(({ siteId }) => siteId)).toEqual([1]);
  });

  it("is not confused by a file that a crash left half written", async () => {
    const store = await open();
    await store.put(spec());
    await writeFile(join(folder, "7.sealed.new"), "v1:half");
    expect((await open()).get(7)).toEqual(spec());
    await (await open()).put(spec({ revision: 4 }));
    expect((await open()).get(7)?.revision).toBe(4);
  });

  it("forgets a site that was removed, twice without complaint", async () => {
    const store = await open();
    await store.put(spec());
    await store.delete(7);
    await store.delete(7);
    expect(store.get(7)).toBeUndefined();
    expect((await open()).all()).toEqual([]);
  });
});
