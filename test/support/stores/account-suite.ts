import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { PostgresAttemptStore } from "#db/accounts/postgres-attempt-store.ts";
import { openDatabase } from "#db/database.ts";
import { silentLog } from "#kit/log.ts";
import { aName, aSite, aUser, type StoreContext } from "./store-builders.ts";

const minute = 60_000;

/** What people, sessions, tokens, attempts and settings have to do, whatever keeps them. */
export function describeAccountStores(get: () => StoreContext): void {
  describe("people", () => {
    it("are found by name, with and without the hash of their password", async () => {
      const { users } = get().stores;
      const user = await users.create({ username: aName(), passwordHash: "secret", role: "member" });
      expect(user).toEqual({ id: user.id, username: user.username, role: "member", isActive: true, epoch: 0, createdAt: user.createdAt });
      expect(await users.byUsername(user.username)).toEqual(user);
      expect(await users.withPasswordHash(user.username)).toEqual({ user, passwordHash: "secret" });
      expect(await users.byNumber(user.id)).toEqual(user);
      for (const id of [0, -1, 1.5, 2 ** 31, 2_000_000_000]) expect(await users.byNumber(id)).toBeNull();
      for (const name of [aName(), "", "A\0b", "x".repeat(500), "ünïcode"]) expect(await users.byUsername(name)).toBeNull();
    });

    it("have one name each, also when two come at the same moment", async () => {
      const { users } = get().stores;
      const username = aName();
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => users.create({ username, passwordHash: null, role: "member" })));
      expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
      for (const result of results) if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "username_taken" });
    });

    it("are listed in pages by name, and searched", async () => {
      const { users } = get().stores;
      const prefix = aName("page");
      const names = ["a", "b", "c", "d", "e"].map((end) => `${prefix}${end}`);
      for (const username of names.toReversed()) await users.create({ username, passwordHash: null, role: "member" });
      const first = await users.list({ limit: 2, search: prefix.toUpperCase() });
      const second = await users.list({ limit: 2, search: prefix, cursor: first.next ?? "" });
      const third = await users.list({ limit: 2, search: prefix, cursor: second.next ?? "" });
      expect([...first.items, ...second.items, ...third.items].map((user) => user.username)).toEqual(names);
      expect(third.next).toBeNull();
      for (const cursor of ["nonsense", "e30", "", "%00"]) expect((await users.list({ limit: 2, search: prefix, cursor })).items).toEqual(first.items);
      expect((await users.list({ limit: 2, search: "%" })).items).toEqual([]);
      expect((await users.list({ limit: 1, search: `${prefix}a\0` })).items).toHaveLength(1);
    });

    it("lose their sessions and get another epoch with a new password, but keep the session that asked", async () => {
      const { users, sessions } = get().stores;
      const user = await aUser(get());
      const now = new Date();
      const [kept, ended] = [randomUUID(), randomUUID()];
      for (const id of [kept, ended]) {
        await sessions.create({ id, user, createdAt: now, expiresAt: new Date(now.getTime() + minute), address: null, userAgent: null });
      }
      expect(await users.update(user.id, { passwordHash: "new", keepSession: kept })).toEqual({ ...user, epoch: 1 });
      expect(await sessions.find(kept, now)).toMatchObject({ user: { id: user.id, epoch: 1 } });
      expect(await sessions.find(ended, now)).toBeNull();
      expect((await users.withPasswordHash(user.username))?.passwordHash).toBe("new");
    });

    it("keep their sessions when nothing really changes", async () => {
      const user = await aUser(get());
      expect(await get().stores.users.update(user.id, { role: "member", isActive: true })).toEqual(user);
    });

    it("tell of a new epoch to whoever asks what changed", async () => {
      const user = await aUser(get());
      await get().stores.users.update(user.id, { isActive: false });
      expect((await get().stores.epochs.changedWithin(minute)).users).toContainEqual([user.id, 1]);
      expect((await get().stores.epochs.changedWithin(0)).users).toEqual([]);
    });

    it("who do not exist cannot be changed", async () => {
      for (const id of [2_000_000_000, 99_999_999_999, -1, 1.5]) {
        await expect(get().stores.users.update(id, { role: "member" })).rejects.toMatchObject({ code: "user_not_found" });
      }
    });

    it("always include an active administrator, also when two step down at the same moment", async () => {
      const { db, stores } = get();
      await db.updateTable("users").set({ role: "member" }).where("role", "=", "administrator").execute();
      expect(await stores.users.hasAdministrator()).toBe(false);
      const one = await aUser(get(), "administrator");
      expect(await stores.users.hasAdministrator()).toBe(true);
      await expect(stores.users.update(one.id, { role: "member" })).rejects.toMatchObject({ code: "last_administrator" });
      // Several times, since only some schedules have both look before either commits.
      for (let round = 0; round < 10; round++) {
        await stores.users.update(one.id, { role: "administrator", isActive: true });
        const other = await aUser(get(), "administrator");
        const results = await Promise.allSettled([stores.users.update(one.id, { role: "member" }), stores.users.update(other.id, { isActive: false })]);
        expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
        expect(results.find((result) => result.status === "rejected")?.reason).toMatchObject({ code: "last_administrator" });
        expect(await stores.users.hasAdministrator()).toBe(true);
        await stores.users.update(one.id, { role: "administrator", isActive: true });
        await stores.users.update(other.id, { role: "member" });
      }
    });

    it("who become administrators change what the orchestrator has to know of their sites", async () => {
      const { site, actor } = await aSite(get());
      expect(site.isOwnedByAdministrator).toBe(false);
      await get().stores.users.update(actor.user.id, { role: "administrator" });
      const after = await get().stores.reconcilerSites.byId(site.id);
      expect(after).toMatchObject({ isOwnedByAdministrator: true, revision: site.revision + 1 });
      await get().stores.users.create({ username: aName(), passwordHash: "x", role: "administrator" });
      await get().stores.users.update(actor.user.id, { isActive: false });
      expect(await get().stores.reconcilerSites.byId(site.id)).toMatchObject({ isOwnedByAdministrator: false });
    });
  });

  describe("sessions", () => {
    it("last until they expire, are touched or deleted, and end with the person's access", async () => {
      const { sessions, users } = get().stores;
      const user = await aUser(get());
      const at = (ms: number): Date => new Date(Date.UTC(2026, 0, 1) + ms);
      const id = randomUUID();
      await sessions.create({ id, user, createdAt: at(0), expiresAt: at(minute), address: "::1", userAgent: "x".repeat(5000) });
      expect(await sessions.find(id, at(1))).toEqual({ user, lastSeenAt: at(0), expiresAt: at(minute) });
      expect(await sessions.find(id, at(minute))).toBeNull();
      await sessions.touch(id, at(5), at(2 * minute));
      expect(await sessions.find(id, at(minute))).toEqual({ user, lastSeenAt: at(5), expiresAt: at(2 * minute) });
      expect(await sessions.deleteExpired(at(minute))).toBe(0);
      expect(await sessions.deleteExpired(at(2 * minute))).toBe(1);
      expect(await sessions.find(id, at(minute))).toBeNull();
      await sessions.create({ id, user, createdAt: at(0), expiresAt: at(minute), address: null, userAgent: null });
      await get().db.updateTable("users").set({ isActive: false }).where("id", "=", user.id).execute();
      expect(await sessions.find(id, at(1))).toBeNull();
      await sessions.delete(id);
      await users.byUsername(user.username);
    });
  });

  describe("API tokens", () => {
    it("are found by the hash of their secret until they expire, and deleted by their owner only", async () => {
      const { tokens } = get().stores;
      const [user, other] = [await aUser(get()), await aUser(get())];
      const expiresAt = new Date(Date.now() + minute);
      const id = randomUUID();
      const secretHash = randomUUID();
      const token = await tokens.create({ id, user, name: "ci \0", secretHash, scopes: ["deploy", "read"], expiresAt });
      expect(token).toEqual({ id, name: "ci ", scopes: ["deploy", "read"], createdAt: expect.any(Date), expiresAt, lastUsedAt: null });
      expect(await tokens.find(secretHash, new Date())).toEqual({ user, token });
      expect(await tokens.find(secretHash, expiresAt)).toBeNull();
      expect(await tokens.find(randomUUID(), new Date())).toBeNull();
      const usedAt = new Date();
      await tokens.touch(id, usedAt);
      expect(await tokens.list(user.id)).toEqual([{ ...token, lastUsedAt: usedAt }]);
      expect(await tokens.list(other.id)).toEqual([]);
      expect(await tokens.delete(other.id, id)).toBe(false);
      expect(await tokens.delete(user.id, "not-a-uuid")).toBe(false);
      expect(await tokens.delete(user.id, id)).toBe(true);
      expect(await tokens.find(secretHash, new Date())).toBeNull();
    });

    it("without an end do not expire, but end with the person's access", async () => {
      const { tokens } = get().stores;
      const user = await aUser(get());
      const secretHash = randomUUID();
      await tokens.create({ id: randomUUID(), user, name: "for ever", secretHash, scopes: ["full"], expiresAt: null });
      expect(await tokens.find(secretHash, new Date(Date.now() + 1e12))).toMatchObject({ user });
      await get().stores.users.update(user.id, { isActive: false });
      expect(await tokens.find(secretHash, new Date())).toBeNull();
    });
  });

  describe("SSH keys", () => {
    const aKey = (fingerprint = `SHA256:${randomUUID()}`) => ({ algorithm: "ssh-ed25519", bits: 256, fingerprint, blob: Buffer.from("blob"), comment: "" });

    it("are found by whose they are and their fingerprint, once a person, and removed by their owner only", async () => {
      const { keys } = get().stores;
      const [user, other] = [await aUser(get()), await aUser(get())];
      const key = aKey();
      const id = randomUUID();
      const made = await keys.create({ id, user, title: "laptop \0", key });
      const { algorithm, bits, fingerprint } = key;
      expect(made).toEqual({ id, title: "laptop ", algorithm, bits, fingerprint, createdAt: expect.any(Date), lastUsedAt: null });
      expect(await keys.find(user.username, fingerprint)).toEqual({ user, key: made });
      expect(await keys.find(other.username, fingerprint)).toBeNull();
      await expect(keys.create({ id: randomUUID(), user, title: "again", key })).rejects.toMatchObject({ code: "key_taken" });
      const shared = await keys.create({ id: randomUUID(), user: other, title: "shared", key });
      const usedAt = new Date();
      await keys.touch(id, usedAt);
      expect(await keys.list(user.id)).toEqual([{ ...made, lastUsedAt: usedAt }]);
      expect([await keys.has(user.id, id), await keys.has(other.id, id)]).toEqual([true, false]);
      expect(await keys.delete(other, id)).toBe(false);
      expect(await keys.delete(user, "not-a-uuid")).toBe(false);
      expect(await keys.delete(user, id)).toBe(true);
      expect([await keys.find(user.username, fingerprint), await keys.has(user.id, id)]).toEqual([null, false]);
      expect(await keys.list(other.id)).toEqual([shared]);
    });

    it("of somebody whose access ended sign nobody in", async () => {
      const user = await aUser(get());
      const key = aKey();
      await get().stores.keys.create({ id: randomUUID(), user, title: "laptop", key });
      await get().stores.users.update(user.id, { isActive: false });
      expect(await get().stores.keys.find(user.username, key.fingerprint)).toBeNull();
    });
  });

  describe("tries to sign in", () => {
    it("are counted by account, by address and by both, within the window", async () => {
      const { attempts } = get().stores;
      const [name, address] = [aName(), aName("address")];
      const at = (ms: number): Date => new Date(Date.UTC(2026, 0, 1) + ms);
      await attempts.recordFailure(name, address, at(1));
      await attempts.recordFailure(name, address, at(10));
      await attempts.recordFailure(name, aName("address"), at(11));
      await attempts.recordFailure(aName(), address, at(12));
      await attempts.recordFailure(`${name}\0`, address, at(9));
      expect(await attempts.count(name, address, at(5))).toEqual({
        pair: 2,
        address: 3,
        account: 3,
        isFamiliar: false,
        lastAt: { pair: at(10), address: at(12), account: at(11) },
      });
      expect(await attempts.count(name, address, at(100))).toEqual({
        pair: 0,
        address: 0,
        account: 0,
        isFamiliar: false,
        lastAt: { pair: null, address: null, account: null },
      });
    });

    it("are noted one after the other, whoever asks: of forty at once by two managers as many pass as the rule lets, and no others", async () => {
      await using stack = new AsyncDisposableStack();
      const other = stack.adopt(openDatabase({ url: get().url, maxConnections: 5, log: silentLog() }), (opened) => opened.destroy());
      const managers = [get().stores.attempts, new PostgresAttemptStore(other)];
      const [name, address] = [aName(), aName("address")];
      const [since, at] = [new Date(Date.now() - minute), new Date()];
      const note = (who: { readonly username: string; readonly address: string }, number: number) =>
        managers[number % 2]?.noteTry(who, { since, at, judge: ({ pair, account }) => (pair >= 5 || account >= 8 ? 7 : 0) });
      const tries = Array.from({ length: 20 }, (_, number) => [
        note({ username: name, address }, number),
        note({ username: name, address: "elsewhere" }, number + 1),
      ]);
      const noted = await Promise.all(tries.flat());
      expect(noted.filter((each) => each?.waitSeconds === 0)).toHaveLength(8);
      expect(noted.filter((each) => each?.waitSeconds === 7)).toHaveLength(32);
      expect(await managers[0]?.count(name, address, since)).toMatchObject({ account: 8, lastAt: { account: at } });
      // Counted before, not with it.
      const next = { username: aName(), address: aName("address") };
      expect(await note(next, 0)).toMatchObject({ counts: { pair: 0, address: 0, account: 0, isFamiliar: false }, waitSeconds: 0 });
      expect(await note(next, 1)).toMatchObject({ counts: { pair: 1, address: 1, account: 1, lastAt: { pair: at } }, waitSeconds: 0 });
    });

    it("that succeed make the address familiar for 30 days and forget the pair's failures", async () => {
      const { attempts } = get().stores;
      const [name, address] = [aName(), aName("address")];
      const at = (ms: number): Date => new Date(Date.UTC(2026, 0, 1) + ms);
      await attempts.recordFailure(name, address, at(1));
      await attempts.recordFailure(name, "elsewhere", at(1));
      await attempts.recordSuccess(name, address, at(2));
      await attempts.recordSuccess(name, address, at(3));
      expect(await attempts.count(name, address, at(0))).toEqual({
        pair: 0,
        address: 0,
        account: 1,
        isFamiliar: true,
        lastAt: { pair: null, address: null, account: at(1) },
      });
      expect((await attempts.count(name, "elsewhere", at(0))).isFamiliar).toBe(false);
      expect((await attempts.count(name, address, at(31 * 24 * 60 * minute))).isFamiliar).toBe(false);
      expect(await attempts.deleteOlderThan(at(2))).toBeGreaterThan(0);
      expect(await attempts.count(name, address, at(0))).toMatchObject({ account: 0, isFamiliar: true });
    });

    it("takes what one customer has of IPv6 for one address, and IPv4 as it is, whichever socket it came by", async () => {
      const { attempts } = get().stores;
      const name = aName();
      const at = (ms: number): Date => new Date(Date.UTC(2026, 0, 1) + ms);
      const network = `2001:db8:${Math.floor(Math.random() * 65_536).toString(16)}:7`;
      for (const host of ["::1", "::2", ":a:b:c:d"]) await attempts.recordFailure(name, `${network}${host}`, at(1));
      await attempts.recordFailure(name, "::ffff:192.0.2.7", at(1));
      const pair = async (address: string): Promise<number> => (await attempts.count(name, address, at(0))).pair;
      expect([await pair(`${network}::ffff`), await pair("2001:db8::8:0:0:0:1"), await pair("192.0.2.7"), await pair("192.0.2.8")]).toEqual([3, 0, 1, 0]);
    });
  });

  describe("settings", () => {
    it("are set, set again, and deleted", async () => {
      const { settings } = get().stores;
      const key = aName();
      expect(await settings.get(key)).toBeNull();
      await settings.set(key, "1");
      await settings.set(key, "2");
      expect(await settings.get(key)).toBe("2");
      await settings.delete(key);
      await settings.delete(key);
      expect(await settings.get(key)).toBeNull();
    });
  });

  describe("the audit trail", () => {
    it("is listed newest first, by site too, and takes any detail", async () => {
      const { audit } = get().stores;
      const { site } = await aSite(get());
      const { site: other } = await aSite(get());
      const entry = { actorId: 1, actorName: "ann", door: "web", address: "::1", action: "files.delete", siteId: site.id, siteName: site.name } as const;
      for (const n of [1, 2, 3]) await audit.record({ ...entry, details: { n, odd: "a\0b\ud800", "k\0": [{ deep: "\\u0000" }] } });
      await audit.record({ ...entry, actorId: null, actorName: null, door: "system", siteId: null, siteName: null, details: {} });
      const first = await audit.listFor(site, { limit: 2 });
      const second = await audit.listFor(site, { limit: 2, cursor: first.next ?? "" });
      expect([...first.items, ...second.items].map((kept) => kept.details.n)).toEqual([3, 2, 1]);
      expect(first.items[0]).toEqual({
        ...entry,
        id: first.items[0]?.id,
        at: first.items[0]?.at,
        details: { n: 3, odd: "ab\ufffd", k: [{ deep: "\\u0000" }] },
      });
      expect(second.next).toBeNull();
      expect((await audit.listFor(other, { limit: 2 })).items).toEqual([]);
      expect((await audit.list({ limit: 1 })).items[0]).toMatchObject({ door: "system", actorName: null });
    });
  });

  describe("the way into the audit trail", () => {
    it("takes each piece of a journal once, whoever brings it, with the time when it was", async () => {
      const { audit, auditInbox } = get().stores;
      const { site } = await aSite(get());
      const journal = aName();
      const at = new Date("2026-01-01T00:00:00.000Z");
      const entry = { at, actorId: 1, actorName: "ann", door: "sftp", address: "::1", action: "files.delete", siteId: site.id, siteName: site.name } as const;
      const piece = { journal, after: 0, through: 2, entries: [1, 2].map((n) => ({ ...entry, details: { n, odd: "a\0b" } })) };
      expect((await Promise.all([auditInbox.take(piece), auditInbox.take(piece)])).toSorted()).toEqual([false, true]);
      expect(await auditInbox.take({ ...piece, after: 1, through: 3 })).toBe(false);
      expect(await auditInbox.take({ ...piece, after: 2, through: 3, entries: [] })).toBe(true);
      expect([await auditInbox.through(journal), await auditInbox.through("unknown")]).toEqual([3, 0]);
      const { items } = await audit.listFor(site, { limit: 10 });
      expect(items.map((kept) => [kept.details, kept.at])).toEqual([
        [{ n: 2, odd: "ab" }, at],
        [{ n: 1, odd: "ab" }, at],
      ]);
    });
  });

  it("what people are told comes as a failure", async () => {
    const user = await aUser(get());
    await expect(get().stores.users.create({ username: user.username, passwordHash: null, role: "member" })).rejects.toBeInstanceOf(Failure);
  });
}
