import { setTimeout as delay } from "node:timers/promises";
import { createTask } from "#contract/api/tasks.ts";
import type { Database } from "#db/database.ts";
import type { Backlot } from "../../test/support/backlot.ts";
import { busyMs, type SustainedLoad, type TaskTimes } from "./task-load.ts";

/** So many requests are under way at once. */
const senders = 4;
/** As many wait as keep every slot busy until the next look; the others are sent when these have been claimed. */
const mostWaiting = 120;
const lookMs = 250;
const endMs = 300_000;

/** What a Backlot did under load. */
export interface Sustained {
  readonly tasksPerSecond: number;
  /** Of the whole machine, whatever it did, for each task that ended meanwhile. */
  readonly busyMsPerTask: number;
}

/** Sends tasks to a Backlot, and looks how they fare by counting rows: two indexed counts four times a second are all that it asks for meanwhile. */
export class BacklotLoad {
  readonly #backlot: Backlot;
  readonly #db: Database;

  constructor(backlot: Backlot, db: Database) {
    this.#backlot = backlot;
    this.#db = db;
  }

  /** Sends tasks one by one, so far apart, and gives their times when all have ended. */
  async singly(script: string, { count, gapMs }: { readonly count: number; readonly gapMs: number }): Promise<readonly TaskTimes[]> {
    const { client } = await this.#backlot.admin();
    const accepted = new Map<string, number>();
    for (let sent = 0; sent < count; sent += 1) {
      const { task } = await client.call(createTask, { body: { script } });
      accepted.set(task.uid, Date.now());
      await delay(gapMs);
    }
    await this.#allEnded();
    const rows = await this.#db
      .selectFrom("tasks")
      .select(["uid", "state", "reason", "startedAt", "finishedAt"])
      .where("uid", "in", [...accepted.keys()])
      .execute();
    return rows.map(({ uid, state, reason, startedAt, finishedAt }) => {
      if (state !== "succeeded") throw new Error(`task ${uid} is ${state}: ${reason}`);
      return { acceptedMs: accepted.get(uid) ?? 0, startedMs: Number(startedAt), endedMs: Number(finishedAt) };
    });
  }

  /** Keeps tasks waiting all the time, as fast as they are done and no faster, and measures between two moments of that. */
  async steadily(script: string, load: SustainedLoad): Promise<Sustained> {
    const { client } = await this.#backlot.admin();
    const state = { isOver: false, waiting: 0 };
    const before = await this.#countEnded();
    const send = async (): Promise<void> => {
      while (!state.isOver) {
        if (state.waiting >= mostWaiting) {
          await delay(10);
          continue;
        }
        state.waiting += 1;
        await client.call(createTask, { body: { script } });
      }
    };
    const sending = Promise.all(Array.from({ length: senders }, send));
    const until = async (count: number, withinMs: number): Promise<number> => {
      for (const deadline = performance.now() + withinMs; ; ) {
        await delay(lookMs);
        state.waiting = await this.#countIn("queued");
        const ended = await this.#countEnded();
        if (ended >= count || performance.now() > deadline) return ended;
      }
    };
    const from = await until(before + load.warmUp, load.warmUpMs);
    const [at, busy] = [performance.now(), busyMs()];
    const ended = (await until(from + load.counted, load.countedMs)) - from;
    const [ms, busyFor] = [performance.now() - at, busyMs() - busy];
    state.isOver = true;
    await sending;
    await this.#allEnded();
    return { tasksPerSecond: (ended * 1000) / ms, busyMsPerTask: busyFor / ended };
  }

  async #allEnded(): Promise<void> {
    for (const deadline = performance.now() + endMs; (await this.#countIn("queued")) + (await this.#countIn("running")) > 0; await delay(lookMs)) {
      if (performance.now() > deadline) throw new Error("tasks did not end");
    }
    const failed = await this.#db.selectFrom("tasks").select("uid").where("state", "not in", ["succeeded", "queued", "running"]).execute();
    if (failed.length > 0) throw new Error(`${failed.length} tasks did not succeed`);
  }

  #countEnded(): Promise<number> {
    return this.#countIn("succeeded");
  }

  async #countIn(state: "queued" | "running" | "succeeded"): Promise<number> {
    const { count } = await this.#db
      .selectFrom("tasks")
      .select((of) => of.fn.countAll<number>().as("count"))
      .where("state", "=", state)
      .executeTakeFirstOrThrow();
    return Number(count);
  }
}
