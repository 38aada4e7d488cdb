import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Log } from "#kit/log.ts";
import { syncFolder } from "#orchestrator/sites/write-durably.ts";
import { JournalPage } from "./journal-page.ts";
import { newRecord, type RunRecord, runRecord } from "./run-record.ts";
import { SharedFlush } from "./shared-flush.ts";

const begin = runRecord.pick({ uid: true, attempt: true, siteId: true, outputBytes: true });
const note = runRecord.pick({ uid: true, attempt: true, process: true, startedAt: true, diskBeforeBytes: true });
const line = z.union([z.strictObject({ begin }), z.strictObject({ note }), z.strictObject({ drop: runRecord.pick({ uid: true }) })]);

/** What the journal needs. */
export interface RunJournalOptions {
  readonly folder: string;
  readonly log: Log;
  /** Makes the ends of these runs survive a power cut: what told of their starts is about to go. */
  readonly settle: (uids: readonly string[]) => Promise<void>;
  /** How large a page is; tests take small ones. */
  readonly pageBytes?: number;
}

/** Room for two thousand starts. */
const usualPageBytes = 256 * 1024;
/** When there are more, what still goes on is written down anew: one run of a week must not hold the pages of all that came after it. */
const mostPages = 4;

/**
 * What was started and has not ended: lines in pages that are only added to. All who wait for the disk at the same moment wait for one flush. The oldest
 * page goes when all that began on it is over and the ends are on the disk: until then a power cut may take an end back, but not the start.
 */
export class RunJournal {
  readonly #options: RunJournalOptions;
  readonly #flush = new SharedFlush(() => this.#flushPages());
  readonly #pages = new Set<JournalPage>();
  readonly #pageOf = new Map<string, JournalPage>();
  #current: JournalPage | null = null;
  readonly #unflushed = new Set<JournalPage>();
  #flushing: readonly JournalPage[] = [];
  #number = 0;
  #clearing: Promise<void> = Promise.resolve();

  private constructor(options: RunJournalOptions) {
    this.#options = options;
  }

  /** The journal, and what an earlier process began that nothing says the end of here. */
  static async open(options: RunJournalOptions): Promise<{ readonly journal: RunJournal; readonly begun: readonly RunRecord[] }> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const journal = new RunJournal(options);
    for (const name of (await readdir(options.folder)).toSorted()) {
      const page = new JournalPage(join(options.folder, name));
      journal.#number = Math.max(journal.#number, Number(name) || 0);
      journal.#pages.add(page);
      for (const text of linesOf(await readFile(page.file, "latin1"))) journal.#replay(text, page);
    }
    return { journal, begun: [...journal.#pages].flatMap((page) => [...page.open.values()]) };
  }

  /** Puts down, durably, that this attempt starts. */
  async begin(record: RunRecord): Promise<void> {
    const { uid } = record;
    const page = this.#write(beginOf(record));
    this.#take(record, page);
    try {
      await this.#flush.sync();
    } catch (cause) {
      this.#tryDrop(uid);
      throw cause;
    }
  }

  /** Puts down what became known of it since. Not flushed. */
  note(record: RunRecord): void {
    const page = this.#pageOf.get(record.uid);
    if (page?.open.has(record.uid) !== true) return;
    this.#write(noteOf(record));
    page.open.set(record.uid, record);
  }

  /** It did not start after all: durably. */
  async withdraw(uid: string): Promise<void> {
    this.#write({ drop: { uid } });
    this.#leave(uid);
    await this.#flush.sync();
  }

  /** How it ended is known to those who keep ends, though perhaps not to the disk yet. */
  over(uid: string): void {
    const page = this.#pageOf.get(uid);
    if (page === undefined || !page.open.delete(uid)) return;
    page.ended.add(uid);
    if (page !== this.#current && page.open.size === 0) this.#clear();
  }

  /** Nobody keeps its end any more. Not flushed: at worst it is taken for lost once more, and nobody asks. */
  forget(uid: string): void {
    if (!this.#pageOf.has(uid)) return;
    this.#tryDrop(uid);
  }

  async close(): Promise<void> {
    await this.#flush.sync().catch(() => undefined);
    await this.#clearing;
    for (const page of this.#pages) page.close();
  }

  #replay(text: string, page: JournalPage): void {
    const read = line.safeParse(jsonIn(text));
    if (!read.success) {
      // Cut off by a crash while it was written: nobody had been told that it was there.
      this.#options.log.warn({ page: page.file }, "a line of the journal of runs cannot be read");
      return;
    }
    const said = read.data;
    if ("begin" in said) this.#take(newRecord(said.begin), page);
    else if ("drop" in said) this.#leave(said.drop.uid);
    else this.#replayNote(said.note);
  }

  #replayNote(said: z.output<typeof note>): void {
    const page = this.#pageOf.get(said.uid);
    const known = page?.open.get(said.uid);
    if (known?.attempt === said.attempt) page?.open.set(known.uid, { ...known, ...said, state: "running" });
  }

  /** Of a run that began on two pages only the later one counts. */
  #take(record: RunRecord, page: JournalPage): void {
    this.#leave(record.uid);
    page.open.set(record.uid, record);
    this.#pageOf.set(record.uid, page);
  }

  #leave(uid: string): void {
    const page = this.#pageOf.get(uid);
    if (page === undefined) return;
    page.open.delete(uid);
    page.ended.delete(uid);
    this.#pageOf.delete(uid);
  }

  #tryDrop(uid: string): void {
    try {
      this.#write({ drop: { uid } });
      this.#leave(uid);
    } catch (err) {
      this.#options.log.warn({ err, uid }, "the journal of runs cannot be written");
    }
  }

  /** Adds a line; it is on the disk after the next flush. */
  #write(said: z.input<typeof line>): JournalPage {
    const bytes = Buffer.from(`${JSON.stringify(said)}\n`);
    const { folder, pageBytes = usualPageBytes } = this.#options;
    if (this.#current === null || !this.#current.hasRoom(bytes.length)) {
      this.#number += 1;
      const next = JournalPage.make(join(folder, String(this.#number).padStart(10, "0")), pageBytes);
      this.#pages.add(next);
      this.#current = next;
      this.#clear();
    }
    this.#current.append(bytes);
    this.#unflushed.add(this.#current);
    return this.#current;
  }

  async #flushPages(): Promise<void> {
    const pages = [...this.#unflushed];
    this.#flushing = pages;
    this.#unflushed.clear();
    try {
      for (const page of pages) if (await page.flush()) await syncFolder(this.#options.folder);
    } catch (cause) {
      // What waits for them now must not be told that it is there.
      for (const page of pages) if (page.isBroken && this.#current === page) this.#current = null;
      for (const page of pages) if (!page.isBroken) this.#unflushed.add(page);
      throw cause;
    } finally {
      this.#flushing = [];
    }
    if (pages.some((page) => page !== this.#current)) this.#clear();
  }

  /** Removes, in the background, the pages that nothing needs: the oldest first, since a later one may say that nothing came of a start. */
  #clear(): void {
    this.#clearing = this.#clearing.then(() => this.#clearOldest()).catch((err: unknown) => this.#options.log.warn({ err }, "the journal of runs grows"));
  }

  async #clearOldest(): Promise<void> {
    for (const page of this.#pages) {
      if (page === this.#current || this.#unflushed.has(page) || this.#flushing.includes(page)) return;
      page.close();
      // Where much of it goes on, nothing would be won.
      if (this.#pages.size > mostPages && page.open.size < page.ended.size) await this.#carryOn(page);
      if (page.open.size > 0) return;
      const uids = [...page.ended];
      await this.#options.settle(uids);
      page.remove();
      this.#pages.delete(page);
      for (const uid of uids) if (this.#pageOf.get(uid) === page) this.#pageOf.delete(uid);
    }
  }

  /** Writes down anew what goes on since a page that is to go. */
  async #carryOn(page: JournalPage): Promise<void> {
    const records = [...page.open.values()];
    if (records.length === 0) return;
    try {
      for (const record of records) {
        this.#take(record, this.#write(beginOf(record)));
        if (record.state === "running") this.note(record);
      }
      await this.#flush.sync();
    } catch (cause) {
      // Nothing but the old page tells of them for sure.
      for (const record of records) {
        const later = this.#pageOf.get(record.uid);
        if (later?.open.has(record.uid) === true) this.#take(record, page);
        else page.ended.add(record.uid);
      }
      throw cause;
    }
  }
}

function beginOf({ uid, attempt, siteId, outputBytes }: RunRecord) {
  return { begin: { uid, attempt, siteId, outputBytes } };
}

function noteOf({ uid, attempt, process, startedAt, diskBeforeBytes }: RunRecord) {
  return { note: { uid, attempt, process, startedAt, diskBeforeBytes } };
}

/** The rest of a page is empty. */
function linesOf(text: string): readonly string[] {
  const end = text.indexOf("\0");
  return (end < 0 ? text : text.slice(0, end)).split("\n").filter((each) => each !== "");
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not whole
  }
}
