import { statfsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { LogStream } from "#contract/task.ts";
import type { Log } from "#kit/log.ts";
import type { RunRequest } from "#orchestrator/runtime/run.ts";
import type { KeptOutput } from "./kept-output.ts";
import type { OutputPace } from "./output-pace.ts";
import type { RunRecord } from "./run-record.ts";
import type { RunStore } from "./run-store.ts";

const retryMs = 2_000;

/** Ends that the disk refuses: they are told from memory, and put down as soon as there is room. */
export class UnsavedEnds {
  readonly #store: RunStore;
  readonly #log: Log;
  readonly #records = new Map<string, RunRecord>();
  #timer: NodeJS.Timeout | null = null;

  constructor(store: RunStore, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  get(uid: string): RunRecord | undefined {
    return this.#records.get(uid);
  }

  delete(uid: string): void {
    this.#records.delete(uid);
  }

  /** Puts an end down, now or later. Never rejects. */
  async save(record: RunRecord): Promise<void> {
    this.#records.set(record.uid, record);
    try {
      await this.#store.end(record);
      if (this.#records.get(record.uid) === record) this.#records.delete(record.uid);
    } catch (err) {
      this.#log.error({ err, uid: record.uid }, "the end of a run could not be put down yet");
      this.#timer ??= setTimeout(() => void this.#again(), retryMs).unref();
    }
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#again();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #again(): Promise<void> {
    this.#timer = null;
    for (const record of [...this.#records.values()]) await this.save(record);
  }
}

/** Hands a run's output on to where it is kept, no faster than disk and pace allow. */
export function pacedOutput(outputs: Readonly<Record<LogStream, KeptOutput>>, pace: OutputPace): RunRequest["onOutput"] {
  return (stream, chunk) => {
    const stored = outputs[stream].write(chunk);
    const waitMs = pace.take(chunk.length);
    if (waitMs === 0) return stored;
    return Promise.all([stored, delay(waitMs)]).then(() => undefined);
  };
}

/** Free bytes for ordinary users on the disk of a folder; null when it cannot be asked. */
export function freeBytesOf(folder: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return null; // the folder is gone
  }
}
