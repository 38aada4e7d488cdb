import { afterEach, expect, test, vi } from "vitest";
import { openDatabase } from "#db/database.ts";
import { createStores } from "#db/stores.ts";
import { type EpochBump, EpochTable } from "#kit/epochs.ts";
import { silentLog } from "#kit/log.ts";
import { setClock } from "../../test/support/set-clock.ts";
import { createTestDatabase } from "../../test/support/test-database.ts";
import { AccessWatch } from "./access-watch.ts";

afterEach(() => vi.restoreAllMocks());

test.each([
  ["ahead of", 3_600_000],
  ["behind", -3_600_000],
])("what changed lately, and only that, is read after a lost notification by a manager whose clock is %s the database's", async (_, byMs) => {
  await using database = await createTestDatabase();
  const db = openDatabase({ url: database.url, maxConnections: 1, log: silentLog() });
  try {
    const { users, epochs } = createStores(db);
    const create = async (username: string) => {
      const { id } = await users.create({ username, passwordHash: "x", role: "member" });
      await users.update(id, { isActive: false });
      return id;
    };
    const [late, old] = [await create("late"), await create("old")];
    await db
      .updateTable("users")
      .set({ epochChangedAt: new Date(Date.now() - 1_800_000) })
      .where("id", "=", old)
      .execute();
    setClock(byMs);
    const pushed: EpochBump[] = [];
    const renewals = { hosts: [], judge: async () => Promise.reject(new Error("nobody is to be judged")) };
    new AccessWatch({ epochs, table: new EpochTable(), push: async (bump) => void pushed.push(bump), renewals, log: silentLog() }).refresh();
    await expect.poll(() => pushed, { timeout: 20_000 }).toEqual([{ sites: [], users: [[late, 1]] }]);
  } finally {
    await db.destroy();
  }
});
