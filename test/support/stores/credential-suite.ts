import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import type { User } from "#core/accounts/user.ts";
import { aUser, type StoreContext } from "./store-builders.ts";

type Way = (context: StoreContext, user: User) => Promise<{ readonly isMade: boolean; readonly isFound: boolean }>;

/** Everything by which somebody may come in later without their password. */
const ways: Readonly<Record<string, Way>> = {
  "a session": async ({ stores: { sessions } }, user) => {
    const [id, createdAt, expiresAt] = [randomUUID(), new Date(), new Date(Date.now() + 60_000)];
    const isMade = await sessions.create({ id, user, createdAt, expiresAt, address: null, userAgent: null });
    return { isMade, isFound: (await sessions.find(id, createdAt)) !== null };
  },
  "an API token": async ({ stores: { tokens } }, user) => {
    const secretHash = randomUUID();
    const made = await tokens.create({ id: randomUUID(), user, name: "mine", secretHash, scopes: ["full"], expiresAt: null });
    return { isMade: made !== null, isFound: (await tokens.find(secretHash, new Date())) !== null };
  },
  "an SSH key": async ({ stores: { keys } }, user) => {
    const key = { algorithm: "ssh-ed25519", bits: 256, fingerprint: `SHA256:${randomUUID()}`, blob: Buffer.from("blob"), comment: "" };
    const made = await keys.create({ id: randomUUID(), user, title: "mine", key });
    return { isMade: made !== null, isFound: (await keys.find(user.username, key.fingerprint)) !== null };
  },
};

/** Whether a connection to this database waits for a row that another one holds. */
async function somebodyWaits({ db }: StoreContext): Promise<boolean> {
  const { rows } = await sql`select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
  return rows.length > 0;
}

/** What stores have to do when somebody's access changes while they sign in, or ask for something that lasts. */
export function describeCredentials(get: () => StoreContext): void {
  describe.each(Object.entries(ways))("%s", (_, make) => {
    it("is made for whoever is as they were when they asked", async () => {
      expect(await make(get(), await aUser(get()))).toEqual({ isMade: true, isFound: true });
    });

    it.each([
      ["their password", { passwordHash: "new" }],
      ["their role", { role: "administrator" }],
      ["whether they may sign in", { isActive: false }],
    ] as const)("is not made when %s was changed since they asked", async (_what, changes) => {
      const asked = await aUser(get());
      await get().stores.users.update(asked.id, changes);
      expect(await make(get(), asked)).toEqual({ isMade: false, isFound: false });
    });

    it("is not made for somebody who may not sign in, whatever their epoch", async () => {
      const user = await aUser(get());
      expect(await make(get(), await get().stores.users.update(user.id, { isActive: false }))).toEqual({ isMade: false, isFound: false });
    });

    it("waits for a change that is being made, and is not made then", async () => {
      const { db } = get();
      const asked = await aUser(get());
      let making: ReturnType<Way> | undefined;
      await db.transaction().execute(async (change) => {
        await change
          .updateTable("users")
          .set({ epoch: asked.epoch + 1 })
          .where("id", "=", asked.id)
          .execute();
        making = make(get(), asked);
        await expect.poll(() => somebodyWaits(get()), { timeout: 20_000 }).toBe(true);
      });
      expect(await making).toEqual({ isMade: false, isFound: false });
    });
  });

  it("a session that is being made while the password changes ends with the others", async () => {
    const { db, stores } = get();
    const user = await aUser(get());
    const id = randomUUID();
    let changing: Promise<unknown> | undefined;
    await db.transaction().execute(async (change) => {
      await change.selectFrom("users").select("id").where("id", "=", user.id).forShare().execute();
      changing = stores.users.update(user.id, { passwordHash: "new" });
      await expect.poll(() => somebodyWaits(get()), { timeout: 20_000 }).toBe(true);
      const lasts = { createdAt: new Date(), lastSeenAt: new Date(), expiresAt: new Date(Date.now() + 60_000), address: null, userAgent: null };
      await change
        .insertInto("sessions")
        .values({ id, userId: user.id, ...lasts })
        .execute();
    });
    await changing;
    expect(await stores.sessions.find(id, new Date())).toBeNull();
  });

  it("a new password counts only under the epoch under which the old one was found right", async () => {
    const { users } = get().stores;
    const user = await aUser(get());
    const changed = await users.update(user.id, { passwordHash: "theirs" });
    await expect(users.update(user.id, { passwordHash: "another", epoch: user.epoch })).rejects.toMatchObject({ code: "credentials_wrong" });
    expect((await users.withPasswordHash(user.username))?.passwordHash).toBe("theirs");
    await users.update(user.id, { passwordHash: "mine", epoch: changed.epoch });
    expect((await users.withPasswordHash(user.username))?.passwordHash).toBe("mine");
  });
}
