import { describe, expect, it } from "vitest";
import type { RouteChanges } from "#core/routes/route-store.ts";
import { anActor, aSite, newOperation, newSite, planned, type StoreContext } from "./store-builders.ts";

/** What the route table has to do, whatever keeps it. */
export function describeRouteStores(get: () => StoreContext): void {
  const namesOf = (changes: RouteChanges): string[] => changes.upserts.map((site) => site.name);

  describe("the route table", () => {
    it("tells what changed after a version, and the version that this leads to", async () => {
      const { routes, sites } = get().stores;
      const { version: before } = await routes.snapshot();
      const { site } = await aSite(get());
      const { site: other } = await aSite(get());
      expect(await routes.since(before)).toMatchObject({ version: before + 2, removed: [] });
      expect(namesOf(await routes.since(before))).toEqual([site.name, other.name]);
      expect(namesOf(await routes.since(before + 1))).toEqual([other.name]);
      expect(await routes.since(before + 2)).toEqual({ version: before + 2, upserts: [], removed: [] });
      await sites.update(site, planned({ availability: "not-served" }, newOperation()));
      expect((await routes.since(before)).upserts.map(({ name, availability }) => [name, availability])).toEqual([
        [other.name, "enabled"],
        [site.name, "not-served"],
      ]);
      expect(await get().stores.reconcilerSites.routeVersion(site.id)).toBe(before + 3);
    });

    it("drops a site the moment it is deleted, and remembers that when the row is gone", async () => {
      const { routes, sites, reconcilerSites } = get().stores;
      const { site } = await aSite(get());
      const { version } = await routes.snapshot();
      await sites.delete(site, newOperation({ kind: "delete" }));
      expect(await routes.since(version)).toEqual({ version: version + 1, upserts: [], removed: [site.id] });
      expect((await routes.snapshot()).upserts.map(({ id }) => id)).not.toContain(site.id);
      await reconcilerSites.remove(site.id);
      expect(await routes.since(version)).toEqual({ version: version + 1, upserts: [], removed: [site.id] });
      expect(await reconcilerSites.routeVersion(site.id)).toBe(version + 1);
      expect(await routes.since(version + 1)).toEqual({ version: version + 1, upserts: [], removed: [] });
      expect((await routes.snapshot()).removed).toEqual([]);
    });

    it("never shows a version before the changes of all earlier ones", async () => {
      const { routes, sites } = get().stores;
      const actor = await anActor(get());
      const seen = new Set<string>();
      const start = await routes.snapshot();
      let { version } = start;
      let isWriting = true;
      const follow = async (): Promise<void> => {
        while (true) {
          const wasWriting = isWriting;
          const changes = await routes.since(version);
          for (const site of changes.upserts) seen.add(site.name);
          version = changes.version;
          if (!wasWriting) return;
        }
      };
      const write = async (): Promise<string[]> => {
        const names: string[] = [];
        for (let i = 0; i < 10; i++) names.push((await sites.create(actor, newSite(), newOperation())).site.name);
        return names;
      };
      const following = follow();
      const written = (await Promise.all(Array.from({ length: 8 }, write))).flat();
      isWriting = false;
      await following;
      expect(written.filter((name) => !seen.has(name))).toEqual([]);
      expect(version).toBe(start.version + 80);
    });
  });
}
