import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { defaultSiteLimits } from "#contract/site.ts";
import { defaultSiteCache } from "#contract/site-cache.ts";
import { defaultSiteSettings, type Site } from "#core/sites/site.ts";
import { type UpdateSiteInput, updateSite } from "#core/sites/update-site.ts";
import { actorOf, aName, anActor, aSite, aUser, newOperation, newSite, planned, reload, type StoreContext } from "./store-builders.ts";

/** What sites and their members have to do, whatever keeps them. */
export function describeSiteStores(get: () => StoreContext): void {
  describe("a site", () => {
    it("is created with its owner and its operation", async () => {
      const { sites, operations } = get().stores;
      const actor = await anActor(get());
      const wanted = newSite({ description: "a b\0c" });
      const queued = newOperation({ kind: "create", requestedById: actor.user.id, input: { starter: "node" } });
      const { site, operation } = await sites.create(actor, wanted, queued);
      expect(site).toEqual({
        id: site.id,
        name: wanted.name,
        kind: "dynamic",
        purpose: "project",
        description: "a bc",
        availability: "enabled",
        availabilityReason: "",
        limits: defaultSiteLimits,
        settings: defaultSiteSettings,
        egress: "none",
        cache: defaultSiteCache,
        cacheGeneration: 0,
        imageId: null,
        nodeId: null,
        placement: 0,
        isTakenOver: false,
        revision: 1,
        epoch: 0,
        lifecycle: "creating",
        isDedicated: false,
        isOwnedByAdministrator: false,
        role: "owner",
        createdAt: site.createdAt,
        updatedAt: site.updatedAt,
      });
      expect(operation).toMatchObject({ id: queued.id, kind: "create", state: "queued", siteId: site.id, siteName: site.name, input: { starter: "node" } });
      expect(operation.requestedBy).toBe(actor.user.username);
      expect(await sites.forActor(actor, site.name)).toEqual(site);
      expect(await operations.forActor(actor, operation.id)).toEqual(operation);
      expect(await sites.members(site)).toEqual([{ userId: actor.user.id, username: actor.user.username, role: "owner" }]);
    });

    it("is not there for those who are no members, but for administrators", async () => {
      const { sites } = get().stores;
      const { site } = await aSite(get());
      const [stranger, administrator] = [await anActor(get()), await anActor(get(), "administrator")];
      expect(await sites.forActor(stranger, site.name)).toBeNull();
      expect(await sites.numberForActor(stranger, site.id)).toBeNull();
      expect(await sites.forActor(administrator, site.name)).toEqual({ ...site, role: null });
      expect(await sites.numberForActor(administrator, site.id)).toEqual({ ...site, role: null });
      for (const name of [aName(), "", "A", "a\0b", "../x", "x".repeat(400)]) expect(await sites.forActor(administrator, name)).toBeNull();
      for (const id of [0, -1, 1.5, 99_999_999_999, Number.NaN]) expect(await sites.numberForActor(administrator, id)).toBeNull();
    });

    it("is for the eyes of its members: asked for many at once", async () => {
      const { sites } = get().stores;
      const [{ site, actor: owner }, { site: other, actor: stranger }] = [await aSite(get()), await aSite(get())];
      const member = await anActor(get());
      await sites.setMember(site, member.user.id, "viewer");
      const audiences = await sites.audiencesOf([site.id, 99_999_999_999, 2_147_483_647, -1, Number.NaN, other.id]);
      expect([...audiences.keys()].toSorted((a, b) => a - b)).toEqual([site.id, other.id].toSorted((a, b) => a - b));
      const { name, kind, isDedicated, availability, availabilityReason, lifecycle } = site;
      expect(audiences.get(site.id)).toEqual({
        site: { name, kind, isDedicated, availability, availabilityReason, lifecycle, updatedAt: expect.any(Date) },
        memberIds: new Set([owner.user.id, member.user.id]),
      });
      expect(audiences.get(other.id)?.memberIds).toEqual(new Set([stranger.user.id]));
      expect(await sites.audiencesOf([])).toEqual(new Map());
    });

    it("has a name of its own: of twelve that want it at once one gets it, and the others leave nothing behind", async () => {
      const { db, stores } = get();
      const name = aName("s");
      const actors = await Promise.all(Array.from({ length: 12 }, () => anActor(get())));
      const attempts = actors.map((actor) => ({ actor, operation: newOperation({ kind: "create" }) }));
      const results = await Promise.allSettled(attempts.map(({ actor, operation }) => stores.sites.create(actor, newSite({ name }), operation)));
      expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
      for (const result of results) if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "site_name_taken", details: { name } });
      const ids = attempts.map(({ operation }) => operation.id);
      expect(await db.selectFrom("operations").select("id").where("id", "in", ids).execute()).toHaveLength(1);
    });

    it("counts towards its owner's limit, also when several are created at once", async () => {
      const { sites } = get().stores;
      const actor = await anActor(get());
      const create = () => sites.create(actor, newSite({ ownerLimit: 2 }), newOperation({ kind: "create" }));
      const results = await Promise.allSettled([create(), create(), create(), create()]);
      expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(2);
      await expect(create()).rejects.toMatchObject({ code: "site_limit_reached", details: { count: 2 } });
      const [mine] = (await sites.listFor(actor, { limit: 1, all: false })).items;
      if (mine === undefined) throw new Error("no site");
      await sites.delete(mine, newOperation({ kind: "delete" }));
      await create();
    });

    it("is listed by name in pages, searched by name and description, and all of them for administrators only", async () => {
      const { sites } = get().stores;
      const [actor, administrator] = [await anActor(get()), await anActor(get(), "administrator")];
      const prefix = aName("s");
      for (const end of ["c", "a", "b"]) await sites.create(actor, newSite({ name: `${prefix}${end}`, description: `About ${end.repeat(3)}` }), newOperation());
      await aSite(get(), { name: `${prefix}z` });
      const names = async (who: typeof actor, request: Partial<Parameters<typeof sites.listFor>[1]>) => {
        const page = await sites.listFor(who, { limit: 50, all: false, ...request });
        return page.items.map((site) => site.name.replace(prefix, ""));
      };
      expect(await names(actor, {})).toEqual(["a", "b", "c"]);
      expect(await names(actor, { all: true, search: prefix })).toEqual(["a", "b", "c"]);
      expect(await names(administrator, { all: true, search: prefix })).toEqual(["a", "b", "c", "z"]);
      expect(await names(administrator, { all: false })).toEqual([]);
      expect(await names(actor, { search: "ABOUT bBb" })).toEqual(["b"]);
      expect(await names(actor, { search: "%_\\" })).toEqual([]);
      const first = await sites.listFor(actor, { limit: 2, all: false });
      expect(await names(actor, { limit: 2, cursor: first.next ?? "" })).toEqual(["c"]);
      expect(await names(actor, { cursor: "nonsense" })).toEqual(["a", "b", "c"]);
    });

    it("changes together with its operation, growing its revision", async () => {
      const { sites } = get().stores;
      const { actor, site } = await aSite(get());
      const name = aName("s");
      const settings = { ...defaultSiteSettings, idleSeconds: null };
      const changed = await sites.update(site, planned({ name, settings, environment: "sealed" }, newOperation({ kind: "configure" })));
      const grown = { revision: site.revision + 1, cacheGeneration: site.cacheGeneration + 1, updatedAt: changed.site.updatedAt };
      expect(changed.site).toEqual({ ...site, name, settings, ...grown });
      expect(changed.operation).toMatchObject({ kind: "configure", siteName: name });
      expect(await sites.environment(site)).toBe("sealed");
      expect(await get().stores.reconcilerSites.environment(site.id)).toBe("sealed");
      expect(await sites.forActor(actor, site.name)).toBeNull();
      expect(await sites.forActor(actor, name)).toEqual(changed.site);
    });

    it("keeps what somebody else changed since it was read: settings, cache and limits are changed by the field", async () => {
      const { sites } = get().stores;
      const { actor, site } = await aSite(get());
      const administrator = await anActor(get(), "administrator");
      const capabilities = async () => null;
      const deps = {
        sites,
        images: { byId: async () => null },
        host: { capabilities, statusOf: () => undefined },
        runPolicy: { mayEveryoneRunUnisolated: true },
        newId: randomUUID,
        awakeLimit: 0,
      };
      // Each was read before any of the others was written.
      const change = (input: UpdateSiteInput) => updateSite(deps, administrator, { site, input: { ...input, reason: "because" } });
      await Promise.all([
        change({ settings: { idleSeconds: 77 } }),
        change({ settings: { botsWake: true } }),
        change({ cache: { isOn: true } }),
        change({ cache: { defaultSeconds: 60 } }),
        change({ limits: { cpu: 2 } }),
        change({ limits: { pids: 99 } }),
      ]);
      await change({ kind: "static", settings: { timeZone: "Europe/Berlin" } });
      // What it is by now decides, not what it was.
      await expect(change({ dedicated: true, kind: "dynamic" })).rejects.toMatchObject({ code: "input_invalid" });
      await change({ dedicated: true });
      const settings = { ...defaultSiteSettings, idleSeconds: 77, botsWake: true, timeZone: "Europe/Berlin" };
      expect(await reload(get(), actor, site)).toMatchObject({
        ...{ settings, limits: { ...defaultSiteLimits, cpu: 2, pids: 99 }, cache: { ...defaultSiteCache, isOn: true, defaultSeconds: 60 } },
        ...{ kind: "static", isDedicated: true },
      });
    });

    it("keeps revision and route when only words change", async () => {
      const { sites, reconcilerSites } = get().stores;
      const { site } = await aSite(get());
      const version = await reconcilerSites.routeVersion(site.id);
      const changed = await sites.update(site, planned({ description: "new words" }));
      expect(changed).toEqual({ site: { ...site, description: "new words", updatedAt: changed.site.updatedAt }, operation: null });
      expect(await reconcilerSites.routeVersion(site.id)).toBe(version);
    });

    it("cannot take another's name; then nothing changes and nothing is queued", async () => {
      const { sites, operations } = get().stores;
      const { actor, site } = await aSite(get());
      const { site: other } = await aSite(get());
      const operation = newOperation({ kind: "rename" });
      await expect(sites.update(site, planned({ name: other.name }, operation))).rejects.toMatchObject({
        code: "site_name_taken",
        details: { name: other.name },
      });
      expect(await reload(get(), actor, site)).toEqual(site);
      expect(await operations.forActor(actor, operation.id)).toBeNull();
    });

    it("gets another epoch when its availability changes, and only then", async () => {
      const { sites, epochs } = get().stores;
      const { site } = await aSite(get());
      const disabled = await sites.update(site, planned({ availability: "disabled", availabilityReason: "spam" }, newOperation()));
      expect(disabled.site).toMatchObject({ availability: "disabled", availabilityReason: "spam", epoch: 1 });
      const again = await sites.update(site, planned({ availability: "disabled", availabilityReason: "more spam" }, newOperation()));
      expect(again.site).toMatchObject({ availabilityReason: "more spam", epoch: 1 });
      expect((await epochs.changedWithin(60_000)).sites).toContainEqual([site.id, 1]);
    });

    it("goes away at once when deleted: no changes, no operations, one deletion", async () => {
      const { sites, operations, operationQueue } = get().stores;
      const { actor, site } = await aSite(get());
      const deletion = await sites.delete(site, newOperation({ kind: "delete" }));
      expect(deletion).toMatchObject({ kind: "delete", state: "queued" });
      expect(await sites.delete(site, newOperation({ kind: "delete" }))).toEqual(deletion);
      expect(await reload(get(), actor, site)).toMatchObject({ lifecycle: "deleting", epoch: site.epoch + 1 });
      await expect(sites.update(site, planned({ description: "x" }))).rejects.toMatchObject({ code: "site_being_deleted" });
      await expect(operations.queue(site, newOperation())).rejects.toMatchObject({ code: "site_being_deleted" });
      expect(await operationQueue.queueForReconciler(site.id, newOperation())).toBeNull();
    });

    it("can be deleted again when its deletion failed", async () => {
      const { sites } = get().stores;
      const { site } = await aSite(get());
      const failed = await sites.delete(site, newOperation({ kind: "delete" }));
      await get().db.updateTable("operations").set({ state: "failed" }).where("id", "=", failed.id).execute();
      expect((await sites.delete(site, newOperation({ kind: "delete" }))).id).not.toBe(failed.id);
    });

    it("is removed only when it was given up; its operations stay, for those who asked for them", async () => {
      const { sites, operations, reconcilerSites } = get().stores;
      const { actor, site } = await aSite(get());
      const stranger = await anActor(get());
      await reconcilerSites.remove(site.id);
      expect(await reconcilerSites.byId(site.id)).not.toBeNull();
      const { id } = await sites.delete(site, newOperation({ kind: "delete", requestedById: actor.user.id }));
      await reconcilerSites.remove(site.id);
      await reconcilerSites.remove(site.id);
      expect(await reconcilerSites.byId(site.id)).toBeNull();
      expect(await sites.forActor(actor, site.name)).toBeNull();
      expect(await operations.forActor(actor, id)).toMatchObject({ siteId: null, siteName: site.name });
      expect(await operations.forActor(stranger, id)).toBeNull();
      await expect(sites.update(site, planned({}))).rejects.toMatchObject({ code: "site_not_found" });
      await expect(operations.queue(site, newOperation())).rejects.toMatchObject({ code: "site_not_found" });
      expect((await sites.create(actor, newSite({ name: site.name }), newOperation())).site.id).toBeGreaterThan(site.id);
    });

    it("is created from the starter that was asked for at first, unless an archive has taken the place of its files", async () => {
      const { sites, operations, reconcilerSites, operationQueue } = get().stores;
      const actor = await anActor(get());
      const { site } = await sites.create(actor, newSite(), newOperation({ kind: "create", input: { starter: "node" } }));
      const settle = (state: "failed" | "succeeded") => get().db.updateTable("operations").set({ state }).where("siteId", "=", site.id).execute();
      await settle("failed");
      await operationQueue.queueForReconciler(site.id, newOperation({ kind: "create", input: { starter: null } }));
      expect(await reconcilerSites.starterOf(site.id)).toBe("node");
      await settle("failed");
      await operations.queue(site, newOperation({ kind: "deploy" }));
      expect(await reconcilerSites.starterOf(site.id)).toBe("node");
      await settle("succeeded");
      expect(await reconcilerSites.starterOf(site.id)).toBeNull();
      expect(await reconcilerSites.starterOf((await aSite(get())).site.id)).toBeNull();
    });

    it("changes the stamp of all outlines with its revision, its lifecycle and its coming and going, and with nothing else", async () => {
      const { sites, reconcilerSites } = get().stores;
      const stamps = [await reconcilerSites.outlinesStamp()];
      const look = async () => void stamps.push(await reconcilerSites.outlinesStamp());
      const { site } = await sites.create(await anActor(get()), newSite(), newOperation({ kind: "create" }));
      await look();
      await reconcilerSites.markActive(site.id);
      await look();
      await sites.update(site, planned({ settings: { ...site.settings, botsWake: true } }));
      await look();
      await get().db.updateTable("sites").set({ placement: 3, nodeId: "another" }).where("id", "=", site.id).execute();
      await look();
      await sites.delete(site, newOperation({ kind: "delete" }));
      await look();
      await reconcilerSites.remove(site.id);
      await look();
      expect(stamps.at(-1)).toBe(stamps[0]);
      expect(new Set(stamps).size).toBe(stamps.length - 1);
      const { site: other } = await aSite(get());
      const before = await reconcilerSites.outlinesStamp();
      await sites.update(other, planned({ description: "words" }));
      expect(await reconcilerSites.outlinesStamp()).toBe(before);
    });

    it("is walked through by number", async () => {
      const { reconcilerSites } = get().stores;
      const { site } = await aSite(get());
      const { site: next } = await aSite(get());
      const outlineOf = ({ id, revision, lifecycle, nodeId, placement }: Site) => ({ id, revision, lifecycle, nodeId, placement });
      expect(await reconcilerSites.outlinesAfter(site.id - 1, 2)).toEqual([outlineOf(site), outlineOf(next)]);
      expect(await reconcilerSites.outlinesAfter(next.id, 10)).toEqual([]);
      const { role: _role, ...plain } = site;
      expect(await reconcilerSites.byId(site.id)).toEqual({ ...plain, updatedAt: expect.any(Date) });
    });
  });

  describe("members", () => {
    it("come, change and go, each time with another epoch; the same again changes nothing", async () => {
      const { sites } = get().stores;
      const { actor, site } = await aSite(get());
      const member = await aUser(get());
      const epoch = async (): Promise<number> => (await reload(get(), actor, site)).epoch;
      await sites.setMember(site, member.id, "viewer");
      expect(await sites.forActor(actorOf(member), site.name)).toMatchObject({ role: "viewer", epoch: 1 });
      await sites.setMember(site, member.id, "viewer");
      expect(await epoch()).toBe(1);
      await sites.setMember(site, member.id, "editor");
      expect((await sites.members(site)).map(({ role }) => role).sort()).toEqual(["editor", "owner"]);
      expect(await sites.removeMember(site, member.id)).toBe(true);
      expect(await sites.removeMember(site, member.id)).toBe(false);
      expect(await epoch()).toBe(3);
      expect(await sites.forActor(actorOf(member), site.name)).toBeNull();
      await expect(sites.setMember(site, 2_000_000_000, "viewer")).rejects.toMatchObject({ code: "user_not_found" });
      await expect(sites.setMember(site, 99_999_999_999, "viewer")).rejects.toMatchObject({ code: "user_not_found" });
    });

    it("always include an owner, also when two owners remove each other at the same moment", async () => {
      const { sites } = get().stores;
      const { actor, site } = await aSite(get());
      await expect(sites.setMember(site, actor.user.id, "editor")).rejects.toMatchObject({ code: "last_owner" });
      await expect(sites.removeMember(site, actor.user.id)).rejects.toMatchObject({ code: "last_owner" });
      const other = await aUser(get());
      await sites.setMember(site, other.id, "owner");
      const results = await Promise.allSettled([sites.removeMember(site, actor.user.id), sites.setMember(site, other.id, "viewer")]);
      expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
      expect((await sites.members(site)).filter(({ role }) => role === "owner")).toHaveLength(1);
    });
  });
}
