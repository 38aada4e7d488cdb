import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createTask, listTasks, readTask, type TaskBody, type TaskView } from "#contract/api/tasks.ts";
import { Failure } from "#contract/failure.ts";
import { isTaskEnded } from "#contract/task.ts";
import type { Backlot } from "./backlot.ts";

/** What the scripts of `TaskLab` have in common: each start of each task leaves a line in the home folder. */
const preamble = '#!/bin/bash\necho "$TASK_UID $TASK_ATTEMPT" >> starts.log\n';

/** An administrator who runs tasks of the home folder of a real Backlot, and sees how often each really started. */
export class TaskLab {
  readonly #backlot: Backlot;
  readonly accepted: string[] = [];

  constructor(backlot: Backlot) {
    this.#backlot = backlot;
  }

  /** Puts a script into the library; its first line and the note of its start are added. */
  async script(name: string, text: string, manual?: string): Promise<void> {
    const file = join(this.#backlot.data, "scripts", name);
    await writeFile(file, `${preamble}${text}\n`);
    await chmod(file, 0o755);
    if (manual !== undefined) await writeFile(`${file}.yaml`, manual);
  }

  async create(body: Partial<TaskBody> & { readonly script: string }): Promise<TaskView> {
    const { client } = await this.#backlot.admin();
    const { task } = await client.call(createTask, { body });
    this.accepted.push(task.uid);
    return task;
  }

  /** The task now; a server that is away for a moment is asked again. */
  async read(uid: string): Promise<TaskView> {
    for (let patience = 600; ; patience -= 1) {
      try {
        return (await (await this.#backlot.admin()).client.call(readTask, { params: { uid } })).task;
      } catch (error) {
        const isAway = error instanceof TypeError || (error instanceof Failure && error.status === 503);
        if (!isAway || patience === 0) throw error;
        await delay(50);
      }
    }
  }

  /** Waits until a task is as it should be. */
  async when(uid: string, isRight: (task: TaskView) => boolean, withinMs = 60_000): Promise<TaskView> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const task = await this.read(uid);
      if (isRight(task)) return task;
      if (Date.now() > deadline) throw new Error(`task ${uid} did not get there: ${JSON.stringify(task)}`);
      await delay(25);
    }
  }

  running(uid: string): Promise<TaskView> {
    return this.when(uid, (task) => task.state === "running" && task.startedAt !== null);
  }

  ended(uid: string, withinMs = 60_000): Promise<TaskView> {
    return this.when(uid, (task) => isTaskEnded(task.state), withinMs);
  }

  /** Waits until every accepted task has ended; the states by uid. */
  async allEnded(withinMs = 120_000): Promise<ReadonlyMap<string, TaskView>> {
    const { client } = await this.#backlot.admin();
    const deadline = Date.now() + withinMs;
    for (;;) {
      const { tasks } = await client.call(listTasks, { query: { state: ["queued", "running"], limit: 5 } });
      if (tasks.length === 0) break;
      if (Date.now() > deadline) throw new Error(`tasks did not end: ${JSON.stringify(tasks)}`);
      await delay(50);
    }
    const all = new Map<string, TaskView>();
    for (let cursor: string | undefined; ; ) {
      const page = await client.call(listTasks, { query: { limit: 200, ...(cursor === undefined ? {} : { cursor }) } });
      for (const task of page.tasks) all.set(task.uid, task);
      if (page.next === null) break;
      cursor = page.next;
    }
    for (const uid of this.accepted) if (!all.has(uid)) throw new Error(`task ${uid} is lost`);
    return all;
  }

  /** How often each task really started. */
  async starts(): Promise<ReadonlyMap<string, number>> {
    const text = await readFile(join(this.#backlot.data, "homedir", "starts.log"), "utf8").catch(() => "");
    const counts = new Map<string, number>();
    for (const line of text.split("\n").filter((each) => each !== "")) {
      const uid = line.split(" ")[0] ?? "";
      counts.set(uid, (counts.get(uid) ?? 0) + 1);
    }
    return counts;
  }

  /** How often the accepted tasks started, as `times → tasks`: `{1: 20}` is what should come of twenty. */
  async startCounts(): Promise<Readonly<Record<number, number>>> {
    const starts = await this.starts();
    const counts: Record<number, number> = {};
    for (const uid of this.accepted) {
      const times = starts.get(uid) ?? 0;
      counts[times] = (counts[times] ?? 0) + 1;
    }
    return counts;
  }
}
