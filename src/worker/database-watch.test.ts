import { expect, test } from "vitest";
import type { DatabaseHold, SiteDatabase } from "#core/sites/site-database.ts";
import type { MeasuredDatabase } from "#core/sites/site-database-store.ts";
import { silentLog } from "#kit/log.ts";
import { DatabaseWatch } from "./database-watch.ts";

const limitBytes = 1000;

/** Databases of sites 1 to `sizes.length`, and a server that has them; null: the server has not. */
function bench(sizes: (number | null)[], given: { readonly refuses?: number } = {}) {
  const holds: DatabaseHold[] = sizes.map(() => "open");
  const changes: string[] = [];
  let asked = 0;
  let written: readonly MeasuredDatabase[] = [];
  const rowOf = (siteId: number): SiteDatabase => ({
    siteId,
    id: "id",
    lifecycle: "ready",
    password: "",
    pendingPassword: null,
    hold: holds[siteId - 1] ?? "open",
    bytes: null,
  });
  const unused = () => Promise.reject(new Error("not to be asked"));
  const watch = new DatabaseWatch({
    databases: {
      ready: async (after, limit) =>
        sizes
          .map((_, index) => rowOf(index + 1))
          .filter(({ siteId }) => siteId > after)
          .slice(0, limit),
      measured: async (measurements) => {
        written = [...written, ...measurements];
        for (const { siteId, hold } of measurements) holds[siteId - 1] = hold;
      },
      bySite: unused,
      markReady: unused,
      markFailed: unused,
      passwordChanged: unused,
      remove: unused,
    },
    databaseServer: {
      sizes: async (names) => {
        asked += 1;
        return new Map(
          names.flatMap((name) => {
            const bytes = sizes[Number(name.slice("site_".length)) - 1];
            return typeof bytes === "number" ? [[name, bytes] as const] : [];
          }),
        );
      },
      hold: async ({ name }, hold) => {
        if (name === `site_${given.refuses}`) throw new Error("cannot");
        changes.push(`${name} ${hold}`);
      },
      make: unused,
      setPassword: unused,
      drop: unused,
    },
    limitBytes,
    everyMs: 3_600_000,
    log: silentLog(),
  });
  return { watch, sizes, holds, changes, asked: () => asked, written: () => written };
}

test("where no site has a database no server is asked, which would start it", async () => {
  const { watch, asked } = bench([]);
  await watch.runOnce();
  expect(asked()).toBe(0);
});

test("what has outgrown its limit is held back once, and let go when it has shrunk", async () => {
  const { watch, sizes, changes, holds } = bench([10, 1200, 2000]);
  await watch.runOnce();
  await watch.runOnce();
  expect(changes).toEqual(["site_2 read-only", "site_3 closed"]);
  sizes.splice(0, 3, 10, 900, 1200);
  await watch.runOnce();
  expect(changes.slice(2)).toEqual(["site_2 open", "site_3 read-only"]);
  expect(holds).toEqual(["open", "open", "read-only"]);
});

test("one that cannot be held back is tried again, and keeps no other from being measured", async () => {
  const { watch, written, holds } = bench([1200, null, 1200], { refuses: 1 });
  await watch.runOnce();
  expect(written()).toEqual([
    { siteId: 1, bytes: 1200, hold: "open" },
    { siteId: 3, bytes: 1200, hold: "read-only" },
  ]);
  expect(holds[0]).toBe("open");
});

test("more databases than one page holds are all measured", async () => {
  const { watch, written, asked } = bench(Array.from({ length: 1001 }, () => 1));
  await watch.runOnce();
  expect(written()).toHaveLength(1001);
  expect(asked()).toBe(3);
});
