import { describe, expect, it } from "vitest";
import type { Actor } from "#core/accounts/user.ts";
import { type ActorSite, defaultSiteSettings } from "#core/sites/site.ts";
import { anActor, newOperation, newSite, type StoreContext } from "./store-builders.ts";

const awake = { ...defaultSiteSettings, idleSeconds: null };

/** How many programs somebody may keep awake: counted together with the change that takes a place. */
export function describeAwakeSites(get: () => StoreContext): void {
  describe("sites that are kept awake", () => {
    const site = async (actor: Actor, changes: Parameters<typeof newSite>[0] = {}): Promise<ActorSite> =>
      (await get().stores.sites.create(actor, newSite(changes), newOperation({ kind: "create" }))).site;
    const keepAwake = (of: ActorSite, awakeLimit?: number) =>
      get().stores.sites.update(of, () => ({ changes: { settings: awake }, operation: newOperation({ kind: "configure" }), awakeLimit }));
    const refused = (actor: Actor, count: number) => ({ code: "awake_sites_used_up", details: { owner: actor.user.username, count } });

    it("are as many as their owner may have, also when several change at once", async () => {
      const actor = await anActor(get());
      const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => site(actor)));
      if (first === undefined) throw new Error("no site");
      await keepAwake(first, 2);
      const results = await Promise.allSettled(others.map((each) => keepAwake(each, 2)));
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const result of results) if (result.status === "rejected") expect(result.reason).toMatchObject(refused(actor, 2));
      // What was refused changed nothing.
      const { items } = await get().stores.sites.listFor(actor, { limit: 50, all: false });
      expect(items.filter(({ settings }) => settings.idleSeconds === null)).toHaveLength(2);
      expect(items.filter(({ revision }) => revision === first.revision)).toHaveLength(3);
    });

    it("leave their place to another one when they sleep, have no program any more, or go away", async () => {
      const { sites } = get().stores;
      const actor = await anActor(get());
      const [one, two] = [await site(actor), await site(actor)];
      await keepAwake(one, 1);
      await expect(keepAwake(two, 1)).rejects.toMatchObject(refused(actor, 1));
      for (const changes of [{ settings: defaultSiteSettings }, { settings: awake, kind: "static" as const }]) {
        await sites.update(one, () => ({ changes, operation: null }));
        await keepAwake(two, 1);
        await sites.update(two, () => ({ changes: { settings: defaultSiteSettings }, operation: null }));
        await sites.update(one, () => ({ changes: { settings: awake, kind: "dynamic" }, operation: null }));
        await expect(keepAwake(two, 1)).rejects.toMatchObject(refused(actor, 1));
      }
      await sites.delete(one, newOperation({ kind: "delete" }));
      await keepAwake(two, 1);
    });

    it("count those alone that have a program: a static one only with a file server of its own", async () => {
      const { sites } = get().stores;
      const actor = await anActor(get());
      const files = await site(actor, { kind: "static", settings: awake });
      await keepAwake(await site(actor), 1);
      await sites.update(files, () => ({ changes: { isDedicated: true }, operation: null }));
      await expect(keepAwake(await site(actor), 2)).rejects.toMatchObject(refused(actor, 2));
    });

    it("count for each of their owners, and for nobody who is a member otherwise", async () => {
      const { sites } = get().stores;
      const [ann, bob] = [await anActor(get()), await anActor(get())];
      await keepAwake(await site(bob), 1);
      const hers = await site(ann);
      await sites.setMember(hers, bob.user.id, "editor");
      await keepAwake(hers, 1);
      const another = await site(ann);
      await sites.setMember(another, bob.user.id, "owner");
      await expect(keepAwake(another, 1)).rejects.toMatchObject(refused(ann, 1));
      await expect(keepAwake(another, 2)).resolves.toMatchObject({ site: { settings: { idleSeconds: null } } });
      await expect(keepAwake(await site(bob), 2)).rejects.toMatchObject(refused(bob, 2));
    });

    it("are an administrator's business where no limit is given, and theirs do not count", async () => {
      const [actor, administrator] = [await anActor(get()), await anActor(get(), "administrator")];
      await keepAwake(await site(actor));
      const shared = await site(actor);
      await get().stores.sites.setMember(shared, administrator.user.id, "owner");
      await keepAwake(shared);
      await keepAwake(await site(actor), 2);
      await expect(keepAwake(await site(actor), 2)).rejects.toMatchObject(refused(actor, 2));
    });
  });
}
