import { closeSync, existsSync, fdatasync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { codeOf } from "#kit/jail/descriptor.ts";
import type { Log } from "#kit/log.ts";
import { syncFolder } from "#orchestrator/sites/write-durably.ts";
import { RunJournal } from "./run-journal.ts";
import { type RunRecord, runRecord } from "./run-record.ts";

const suffix = ".json";

/**
 * Records of runs. What is under way stands in a journal, so that a start finds what was interrupted at once; those that have ended have a file each,
 * are spread over folders, and are read only when someone asks.
 */
export class RunStore {
  readonly #ended: string;
  readonly #log: Log;
  readonly #journal: RunJournal;
  readonly #begun: readonly RunRecord[];
  readonly #made = new Set<string>();

  private constructor(given: { readonly ended: string; readonly log: Log; readonly journal: RunJournal; readonly begun: readonly RunRecord[] }) {
    this.#ended = given.ended;
    this.#log = given.log;
    this.#journal = given.journal;
    this.#begun = given.begun;
  }

  static async open({ folder, log }: { readonly folder: string; readonly log: Log }): Promise<RunStore> {
    const ended = join(folder, "ended");
    await mkdir(ended, { recursive: true, mode: 0o700 });
    const settle = (uids: readonly string[]): Promise<void> => settleEnds(ended, uids);
    const { journal, begun } = await RunJournal.open({ folder: join(folder, "journal"), log, settle });
    return new RunStore({ ended, log, journal, begun: [...begun, ...(await takeOver(join(folder, "live"), journal))] });
  }

  /** Puts down, durably, that this attempt starts. Nothing of it may have happened before. */
  begin(record: RunRecord): Promise<void> {
    return this.#journal.begin(record);
  }

  /** Puts down what became known since. Not flushed: after a power cut there is no process that it could be about. */
  async note(record: RunRecord): Promise<void> {
    this.#journal.note(record);
  }

  /** The attempt did not start after all. */
  withdraw(uid: string): Promise<void> {
    return this.#journal.withdraw(uid);
  }

  /**
   * Puts down how a run ended, whole or not at all. A power cut in the next moments may leave only the record of its start: it is then lost, and
   * never started again.
   */
  async end(record: RunRecord): Promise<void> {
    const { folder, file } = endedPlace(this.#ended, record.uid);
    this.#make(folder);
    writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    this.#journal.over(record.uid);
  }

  /** A run that has ended; undefined when none of this uid has. */
  async ended(uid: string): Promise<RunRecord | undefined> {
    const { file } = endedPlace(this.#ended, uid);
    // Most are asked for before they began.
    if (!existsSync(file)) return undefined;
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    });
    return text === undefined ? undefined : this.#parse(text, uid);
  }

  /** Runs that were under way when this folder was last used, and did not end since. */
  async interrupted(): Promise<readonly RunRecord[]> {
    const found: RunRecord[] = [];
    for (const record of this.#begun) {
      const end = await this.ended(record.uid);
      if (end !== undefined && end.attempt >= record.attempt) this.#journal.over(record.uid);
      else found.push(record);
    }
    return found;
  }

  async forget(uid: string): Promise<void> {
    await rm(endedPlace(this.#ended, uid).file, { force: true });
    this.#journal.forget(uid);
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  #parse(text: string, name: string): RunRecord | undefined {
    try {
      return runRecord.parse(JSON.parse(text));
    } catch (err) {
      this.#log.warn({ err, name }, "a record of a run cannot be read");
      return undefined;
    }
  }

  #make(folder: string): void {
    if (this.#made.has(folder)) return;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#made.add(folder);
  }
}

function endedPlace(ended: string, uid: string): { readonly folder: string; readonly file: string } {
  // The last digits: the first ones of a uid may be a time.
  const folder = join(ended, uid.slice(-2));
  return { folder, file: join(folder, `${uid}${suffix}`) };
}

/** Starts as they were put down before there was a journal: a file each. */
async function takeOver(folder: string, journal: RunJournal): Promise<readonly RunRecord[]> {
  const names = await readdir(folder).catch(() => []);
  const found: RunRecord[] = [];
  for (const name of names) {
    const read = runRecord.safeParse(
      await readFile(join(folder, name), "utf8")
        .then(JSON.parse)
        .catch(() => null),
    );
    // Cut off by a crash while it was written: nothing had been started yet.
    if (read.success) await journal.begin(read.data);
    if (read.success) found.push(read.data);
    await rm(join(folder, name), { force: true });
  }
  return found;
}

/** Brings ends to the disk, but for those that were forgotten since. Most are there by then. */
async function settleEnds(ended: string, uids: readonly string[]): Promise<void> {
  const places = uids.map((uid) => endedPlace(ended, uid));
  for (const { file } of places) {
    const descriptor = openIfThere(file);
    if (descriptor === null) continue;
    try {
      await datasync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
  for (const folder of new Set([...places.map((place) => place.folder), ended])) await syncFolder(folder);
}

const datasync = promisify(fdatasync);

// What the system does in microseconds is done at once: to hand it to another thread costs more.
function openIfThere(file: string): number | null {
  try {
    return openSync(file, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}
