import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ActorSite } from "#core/sites/site.ts";
import { aSite, newOperation, reload, type StoreContext } from "./store-builders.ts";

/** What databases of sites have to do, whatever keeps them. */
export function describeDatabaseStores(get: () => StoreContext): void {
  const operation = (kind: "add-database" | "change-database-password" | "delete-database") => newOperation({ kind });
  const end = async (siteId: number): Promise<void> => {
    await get().db.updateTable("operations").set({ state: "failed", finishedAt: new Date() }).where("siteId", "=", siteId).execute();
  };
  const aDatabase = async () => {
    const made = await aSite(get());
    const id = randomUUID();
    await get().stores.databases.add(made.site, { id, password: "first" }, operation("add-database"));
    await get().stores.reconcilerDatabases.markReady(made.site.id);
    return { ...made, id };
  };
  const revisionOf = async ({ actor, site }: { readonly actor: Parameters<typeof reload>[1]; readonly site: ActorSite }) =>
    (await reload(get(), actor, site)).revision;

  describe("a site's database", () => {
    it("is noted with its operation, once, and is the orchestrator's business when it stands", async () => {
      const { databases, reconcilerDatabases } = get().stores;
      const { actor, site } = await aSite(get());
      expect(await databases.find(site)).toBeNull();
      const id = randomUUID();
      const queued = await databases.add(site, { id, password: "first" }, operation("add-database"));
      expect(queued).toMatchObject({ kind: "add-database", state: "queued", siteId: site.id });
      const noted = { siteId: site.id, id, lifecycle: "adding", password: "first", pendingPassword: null, hold: "open", bytes: null };
      expect(await databases.find(site)).toEqual(noted);
      await expect(databases.add(site, { id: randomUUID(), password: "x" }, operation("add-database"))).rejects.toMatchObject({ code: "site_database_exists" });
      expect(await revisionOf({ actor, site })).toBe(site.revision);
      await reconcilerDatabases.markReady(site.id);
      await reconcilerDatabases.markReady(site.id);
      expect(await reconcilerDatabases.bySite(site.id)).toEqual({ ...noted, lifecycle: "ready" });
      expect(await revisionOf({ actor, site })).toBe(site.revision + 1);
    });

    it("that twelve want at once is noted once", async () => {
      const { databases } = get().stores;
      const { site } = await aSite(get());
      const tries = Array.from({ length: 12 }, () => databases.add(site, { id: randomUUID(), password: "x" }, operation("add-database")));
      const results = await Promise.allSettled(tries);
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const result of results) if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "site_database_exists" });
    });

    it("that could not be made is taken up again under the id that it has on the server", async () => {
      const { databases, reconcilerDatabases } = get().stores;
      const { site } = await aSite(get());
      const id = randomUUID();
      await databases.add(site, { id, password: "first" }, operation("add-database"));
      await reconcilerDatabases.markFailed(site.id);
      expect(await databases.find(site)).toMatchObject({ lifecycle: "failed" });
      await databases.add(site, { id: randomUUID(), password: "second" }, operation("add-database"));
      expect(await databases.find(site)).toMatchObject({ id, lifecycle: "adding", password: "second" });
      await reconcilerDatabases.markReady(site.id);
      await reconcilerDatabases.markFailed(site.id);
      expect(await databases.find(site)).toMatchObject({ lifecycle: "ready" });
    });

    it("has one password that holds and one that is to come, and only one change at a time", async () => {
      const { databases, reconcilerDatabases } = get().stores;
      const { actor, site } = await aDatabase();
      const revision = await revisionOf({ actor, site });
      await databases.changePassword(site, "second", operation("change-database-password"));
      expect(await databases.find(site)).toMatchObject({ password: "first", pendingPassword: "second" });
      await expect(databases.changePassword(site, "third", operation("change-database-password"))).rejects.toMatchObject({ code: "site_busy" });
      await reconcilerDatabases.passwordChanged(site.id, "second");
      await reconcilerDatabases.passwordChanged(site.id, "second");
      expect(await databases.find(site)).toMatchObject({ password: "second", pendingPassword: null });
      expect(await revisionOf({ actor, site })).toBe(revision + 1);
      // One that failed half way does not keep the next one from being tried.
      await end(site.id);
      await databases.changePassword(site, "third", operation("change-database-password"));
      await end(site.id);
      await databases.changePassword(site, "fourth", operation("change-database-password"));
      expect(await databases.find(site)).toMatchObject({ password: "second", pendingPassword: "fourth" });
    });

    it("cannot be changed while it is made, or when there is none", async () => {
      const { databases } = get().stores;
      const { site } = await aSite(get());
      const change = () => databases.changePassword(site, "x", operation("change-database-password"));
      await expect(change()).rejects.toMatchObject({ code: "site_database_not_found" });
      await expect(databases.delete(site, operation("delete-database"))).rejects.toMatchObject({ code: "site_database_not_found" });
      await databases.add(site, { id: randomUUID(), password: "first" }, operation("add-database"));
      await expect(change()).rejects.toMatchObject({ code: "site_busy" });
    });

    it("is given up at once, and forgotten only then", async () => {
      const { databases, reconcilerDatabases } = get().stores;
      const { actor, site } = await aDatabase();
      const revision = await revisionOf({ actor, site });
      await reconcilerDatabases.remove(site.id);
      expect(await databases.find(site)).not.toBeNull();
      expect(await databases.delete(site, operation("delete-database"))).toMatchObject({ kind: "delete-database" });
      expect(await databases.find(site)).toMatchObject({ lifecycle: "deleting" });
      expect(await revisionOf({ actor, site })).toBe(revision + 1);
      await reconcilerDatabases.remove(site.id);
      expect(await databases.find(site)).toBeNull();
    });

    it("goes with its site", async () => {
      const { databases, reconcilerDatabases, reconcilerSites, sites } = get().stores;
      const { site } = await aDatabase();
      await sites.delete(site, newOperation({ kind: "delete" }));
      await expect(databases.add(site, { id: randomUUID(), password: "x" }, operation("add-database"))).rejects.toMatchObject({ code: "site_being_deleted" });
      await expect(databases.delete(site, operation("delete-database"))).rejects.toMatchObject({ code: "site_being_deleted" });
      await reconcilerDatabases.remove(site.id);
      expect(await reconcilerDatabases.bySite(site.id)).toBeNull();
      const { site: another } = await aDatabase();
      await sites.delete(another, newOperation({ kind: "delete" }));
      await reconcilerSites.remove(another.id);
      expect(await reconcilerDatabases.bySite(another.id)).toBeNull();
    });

    it("is measured with the others that stand, page by page", async () => {
      const { databases, reconcilerDatabases } = get().stores;
      const [first, second] = [await aDatabase(), await aDatabase()];
      const { site: unfinished } = await aSite(get());
      await databases.add(unfinished, { id: randomUUID(), password: "x" }, operation("add-database"));
      const found = await reconcilerDatabases.ready(first.site.id - 1, 100);
      expect(found.map(({ siteId }) => siteId)).toEqual([first.site.id, second.site.id]);
      expect((await reconcilerDatabases.ready(first.site.id, 1)).map(({ siteId }) => siteId)).toEqual([second.site.id]);
      await reconcilerDatabases.measured([]);
      await reconcilerDatabases.measured([
        { siteId: first.site.id, bytes: 5_000_000_000, hold: "closed" },
        { siteId: second.site.id, bytes: 7, hold: "open" },
      ]);
      expect(await databases.find(first.site)).toMatchObject({ bytes: 5_000_000_000, hold: "closed" });
      expect(await databases.find(second.site)).toMatchObject({ bytes: 7, hold: "open" });
    });
  });
}
