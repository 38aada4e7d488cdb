import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openTaskStage, type TaskStage } from "../../../test/support/broker-worker.ts";
import { PostgresTaskArchive } from "./postgres-task-archive.ts";

let stage: TaskStage;
beforeAll(async () => {
  stage = await openTaskStage();
});
afterAll(() => stage[Symbol.asyncDispose]());
beforeEach(async () => {
  await stage.db.deleteFrom("tasks").execute();
  await stage.db.deleteFrom("taskOutbox").execute();
});

const take = (limit = 100, leaseMs = 60_000) => stage.outbox.take({ limit, leaseMs });
const uidsOf = (messages: readonly { readonly uid: string }[]) => messages.map(({ uid }) => uid);

describe("messages that wait for the broker", () => {
  it("are given once, in the order in which they came, and counted", async () => {
    const uids = [...(await stage.add(2)), ...(await stage.add(1))];
    const first = await take(2);
    expect(first.map(({ uid, attempts }) => [uid, attempts])).toEqual(uids.slice(0, 2).map((uid) => [uid, 1]));
    expect(uidsOf(await take())).toEqual(uids.slice(2));
    expect(await take()).toEqual([]);
  });

  it("are never given to two who take at the same time", async () => {
    const uids = await stage.add(60);
    const taken = (await Promise.all(Array.from({ length: 6 }, () => take(20)))).flatMap(uidsOf);
    expect(taken.toSorted()).toEqual(uids.toSorted());
  });

  it("come again when nothing is heard of whoever took them", async () => {
    const uids = await stage.add(1);
    expect(uidsOf(await take(100, 0))).toEqual(uids);
    expect((await take(100, 0)).map(({ attempts }) => attempts)).toEqual([2]);
  });

  it("are gone when the broker has them, and wait when it did not take them", async () => {
    const uids = await stage.add(3);
    const [first, second, third] = (await take()).map(({ id }) => id);
    if (first === undefined || second === undefined || third === undefined) throw new Error("three were added");
    await stage.outbox.remove([first]);
    await stage.outbox.putBack([second], 0);
    await stage.outbox.putBack([third], 60_000);
    expect(uidsOf(await take())).toEqual(uids.slice(1, 2));
    expect(await stage.outboxSize()).toBe(2);
    await stage.outbox.remove([]);
    await stage.outbox.putBack([], 0);
  });

  it("are not there for a task whose transaction did not end well", async () => {
    const failing = stage.db.transaction().execute(async (change) => {
      await change.insertInto("taskOutbox").values({ uid: randomUUID() }).execute();
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await take()).toEqual([]);
  });
});

describe("tasks that nobody was told of", () => {
  const overdue = (olderThanMs = 0, limit = 100) => stage.outbox.overdue({ olderThanMs, limit });

  it("are those that are due, wait, and have no message; the most urgent first", async () => {
    const [low = "", high = "", later = "", running = ""] = await stage.add(4, { isAnnounced: false });
    await stage.add(1);
    await stage.db.updateTable("tasks").set({ priority: 9 }).where("uid", "=", high).execute();
    await stage.db
      .updateTable("tasks")
      .set({ runAt: new Date(Date.now() + 60_000) })
      .where("uid", "=", later)
      .execute();
    await stage.db.updateTable("tasks").set({ state: "running" }).where("uid", "=", running).execute();
    expect(await overdue()).toEqual([high, low]);
    expect(await overdue(0, 1)).toEqual([high]);
    expect(await overdue(60_000)).toEqual([]);
  });

  it("are told from tasks that are not known", async () => {
    const [uid = ""] = await stage.add(1);
    expect([await stage.outbox.stateOf(uid), await stage.outbox.stateOf(randomUUID())]).toEqual(["queued", null]);
  });

  it("are deleted when they have waited long, but for those of tasks that wait themselves", async () => {
    const [waiting = "", ended = "", fresh = ""] = await stage.add(3);
    await stage.db.updateTable("tasks").set({ state: "succeeded", finishedAt: new Date() }).where("uid", "in", [ended, fresh]).execute();
    const earlier = new Date(Date.now() - 120_000);
    await stage.db.updateTable("taskOutbox").set({ createdAt: earlier }).where("uid", "in", [waiting, ended]).execute();
    await stage.db.insertInto("taskOutbox").values({ uid: randomUUID(), createdAt: earlier }).execute();
    await new PostgresTaskArchive(stage.db).removeLeftovers();
    expect(uidsOf(await take())).toEqual([waiting, fresh]);
  });
});
