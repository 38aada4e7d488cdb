import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { fileDeed } from "#contract/internal/files.ts";
import { Hints } from "#kit/hints.ts";
import { Lane } from "../sites/lane.ts";
import { type Grouped, groupDeeds, type NumberedDeed } from "./group-deeds.ts";

const deedLine = fileDeed.omit({ count: true, paths: true }).extend({ number: z.int(), path: z.string() });

/** A segment is full at so many deeds; those that the manager has are deleted segment by segment. */
const segmentDeeds = 5_000;
/** Grants last a minute, so that little is done while nobody collects; past this the oldest are forgotten, and the log says so. */
const mostSegments = 50;
/** As many deeds are looked at in one collection. */
const mostAtOnce = 20_000;
/** Longest path that is kept of a deed, in characters. */
const maxPath = 500;

interface Segment {
  /** The number of its first deed. */
  readonly first: number;
  count: number;
}

/**
 * What people did to files, until the manager has it in its audit trail: lines in files that take turns. A deed is written out before its
 * answer goes out, so that no end of this process loses it; a power cut can lose the last second.
 */
export class DeedJournal {
  readonly #folder: string;
  readonly #lane = new Lane();
  readonly #onLost: (count: number) => void;
  readonly #noted = new Hints();
  readonly id: string;
  #segments: Segment[];
  #next: number;
  #waiting: string[] = [];
  #flush: Promise<void> | undefined;
  #syncTimer: NodeJS.Timeout | undefined;

  private constructor(folder: string, found: { readonly id: string; readonly segments: Segment[]; readonly next: number }, onLost: (count: number) => void) {
    this.#folder = folder;
    this.id = found.id;
    this.#segments = found.segments;
    this.#next = found.next;
    this.#onLost = onLost;
  }

  /** Goes on where the last process ended. */
  static async open(folder: string, onLost: (count: number) => void = () => undefined): Promise<DeedJournal> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const names = await readdir(folder);
    const id = names.find((name) => name.startsWith("journal-"))?.slice("journal-".length) ?? randomUUID();
    await (await open(join(folder, `journal-${id}`), "a", 0o600)).close();
    const firsts = names.filter((name) => /^\d+\.ndjson$/.test(name)).map((name) => Number.parseInt(name, 10));
    const segments = firsts.toSorted((a, b) => a - b).map((first) => ({ first, count: segmentDeeds }));
    const last = segments.at(-1);
    const deeds = last === undefined ? [] : await readSegment(folder, last.first);
    const next = (deeds.at(-1)?.number ?? (last?.first ?? 1) - 1) + 1;
    // Begun anew at each start, unless it is empty: a line that was cut in half stays the last of its file.
    if (last !== undefined && deeds.length === 0) last.count = 0;
    return new DeedJournal(folder, { id, segments, next }, onLost);
  }

  /** Adds a deed; resolved once the system has it. */
  note(deed: Omit<NumberedDeed, "number">): Promise<void> {
    this.#waiting.push(`${JSON.stringify({ ...deed, path: deed.path.slice(0, maxPath), number: this.#next++ })}\n`);
    this.#noted.notify("deeds");
    this.#flush ??= this.#lane.run(() => this.#write());
    return this.#flush;
  }

  /** Resolves when there is a deed after this number, after `maxMs`, or when the signal is aborted. */
  async awaitAfter(after: number, options: { readonly maxMs: number; readonly signal: AbortSignal }): Promise<void> {
    // A number that was never given out is another journal's.
    if (options.maxMs > 0 && after === this.#next - 1) await this.#noted.wait("deeds", options);
  }

  /** What may be told now; everything up to `after` is kept elsewhere and is forgotten here. */
  collect(after: number, now: number): Promise<Grouped> {
    return this.#lane.run(async () => {
      while (this.#segments[1] !== undefined && this.#segments[1].first <= after + 1) await this.#dropOldest();
      const deeds: NumberedDeed[] = [];
      for (const segment of this.#segments) {
        deeds.push(...(await readSegment(this.#folder, segment.first)).filter((deed) => deed.number > after));
        if (deeds.length >= mostAtOnce) break;
      }
      return groupDeeds(deeds, after, now);
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#syncTimer);
    await this.#lane.run(() => this.#sync());
  }

  async #write(): Promise<void> {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#flush = undefined;
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.count >= segmentDeeds) {
      segment = { first: this.#next - lines.length, count: 0 };
      this.#segments.push(segment);
    }
    segment.count += lines.length;
    await using file = await open(this.#nameOf(segment), "a", 0o600);
    await file.appendFile(lines.join(""));
    this.#syncLater();
    if (this.#segments.length <= mostSegments) return;
    this.#onLost(this.#segments[0]?.count ?? 0);
    await this.#dropOldest();
  }

  // The system has the lines already. What cannot be synced now (no descriptor, no room) is tried again.
  #syncLater(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      this.#lane.run(() => this.#sync()).catch(() => this.#syncLater());
    }, 1_000).unref();
  }

  async #sync(): Promise<void> {
    const last = this.#segments.at(-1);
    if (last === undefined) return;
    await using file = await open(this.#nameOf(last), "a");
    await file.datasync();
  }

  async #dropOldest(): Promise<void> {
    const oldest = this.#segments.shift();
    if (oldest !== undefined) await rm(this.#nameOf(oldest), { force: true });
  }

  #nameOf(segment: Segment): string {
    return join(this.#folder, `${segment.first}.ndjson`);
  }
}

async function readSegment(folder: string, first: number): Promise<readonly NumberedDeed[]> {
  const text = await readFile(join(folder, `${first}.ndjson`), "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    try {
      return [deedLine.parse(JSON.parse(line))];
    } catch {
      // Cut in half by a crash.
      return [];
    }
  });
}
