import { closeSync, fdatasync, mkdirSync, openSync, renameSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { codeOf } from "#kit/jail/descriptor.ts";
import type { Log } from "#kit/log.ts";
import { FolderSync } from "./folder-sync.ts";
import { type RunRecord, runRecord } from "./run-record.ts";

const suffix = ".json";

/**
 * Records of runs, a file each: nobody waits for a disk that is busy with another run's. Those under way lie together, so that
 * a start finds what was interrupted at once; those that have ended are spread over folders and read only when someone asks.
 */
export class RunStore {
  readonly #live: string;
  readonly #ended: string;
  readonly #log: Log;
  readonly #liveSync: FolderSync;
  readonly #made = new Set<string>();

  private constructor(folder: string, log: Log) {
    this.#live = join(folder, "live");
    this.#ended = join(folder, "ended");
    this.#log = log;
    this.#liveSync = new FolderSync(this.#live);
  }

  static async open(options: { readonly folder: string; readonly log: Log }): Promise<RunStore> {
    const store = new RunStore(options.folder, options.log);
    for (const folder of [store.#live, store.#ended]) await mkdir(folder, { recursive: true, mode: 0o700 });
    return store;
  }

  /** Puts down, durably, that this attempt starts. Nothing of it may have happened before. */
  async begin(record: RunRecord): Promise<void> {
    const file = this.#liveFile(record.uid);
    try {
      await writeDurably(file, JSON.stringify(record));
    } catch (cause) {
      rmSync(file, { force: true });
      throw cause;
    }
    await this.#liveSync.sync();
  }

  /** Puts down what became known since. Not flushed: after a power cut there is no process that it could be about. */
  async note(record: RunRecord): Promise<void> {
    const file = this.#liveFile(record.uid);
    await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  /** The attempt did not start after all. */
  async withdraw(uid: string): Promise<void> {
    await rm(this.#liveFile(uid), { force: true });
    await this.#liveSync.sync();
  }

  /**
   * Puts down how a run ended, whole or not at all. A power cut in the next moments may bring the record of its start back instead: it is then
   * lost, and never started again.
   */
  async end(record: RunRecord): Promise<void> {
    const { folder, file } = this.#endedPlace(record.uid);
    this.#make(folder);
    await writeDurably(`${file}.new`, JSON.stringify(record));
    renameSync(`${file}.new`, file);
    // If a power cut brings it back, the ended record of the same attempt says that it is over.
    unlinkIfThere(this.#liveFile(record.uid));
  }

  /** A run that has ended; undefined when none of this uid has. */
  async ended(uid: string): Promise<RunRecord | undefined> {
    const text = await readFile(this.#endedPlace(uid).file, "utf8").catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    });
    return text === undefined ? undefined : this.#parse(text, uid);
  }

  /** Runs that were under way when this folder was last used, and did not end since. */
  async interrupted(): Promise<readonly RunRecord[]> {
    const found: RunRecord[] = [];
    for (const name of await readdir(this.#live)) {
      const file = join(this.#live, name);
      const record = name.endsWith(suffix) ? this.#parse(await readFile(file, "utf8"), name) : undefined;
      const isOver = record !== undefined && (await this.ended(record.uid))?.attempt === record.attempt;
      // Cut off by a crash while it was written: nothing had been started yet.
      if (record === undefined || isOver) await rm(file, { force: true });
      else found.push(record);
    }
    return found;
  }

  async forget(uid: string): Promise<void> {
    await rm(this.#endedPlace(uid).file, { force: true });
  }

  #parse(text: string, name: string): RunRecord | undefined {
    try {
      return runRecord.parse(JSON.parse(text));
    } catch (err) {
      this.#log.warn({ err, name }, "a record of a run cannot be read");
      return undefined;
    }
  }

  #liveFile(uid: string): string {
    return join(this.#live, `${uid}${suffix}`);
  }

  #endedPlace(uid: string): { readonly folder: string; readonly file: string } {
    // The last digits: the first ones of a uid may be a time.
    const folder = join(this.#ended, uid.slice(-2));
    return { folder, file: join(folder, `${uid}${suffix}`) };
  }

  #make(folder: string): void {
    if (this.#made.has(folder)) return;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#made.add(folder);
  }
}

// What the system does in microseconds is done at once: to hand each of it to another thread costs more. Only the disk is waited for.
async function writeDurably(file: string, text: string): Promise<void> {
  const descriptor = openSync(file, "w", 0o600);
  try {
    writeSync(descriptor, text);
    await datasync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const datasync = promisify(fdatasync);

// A tenth of what `rmSync` takes, which looks first.
function unlinkIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
