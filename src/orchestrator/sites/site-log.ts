import { appendFile, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { Failure } from "#contract/failure.ts";
import type { LogLine } from "#contract/internal/orchestrator.ts";
import type { Clock } from "#kit/clock.ts";
import { Feed } from "./feed.ts";
import { Lane } from "./lane.ts";

/** What a site's log may take: two files of this size on disk, and what waits to be written in memory. */
export interface LogLimits {
  readonly fileBytes: number;
  readonly waitingCharacters: number;
  readonly followers: number;
}

export const defaultLogLimits: LogLimits = { fileBytes: 1024 * 1024, waitingCharacters: 1024 * 1024, followers: 50 };
/** What a slow follower can have waiting; beyond it the oldest lines are skipped. */
const followerLimits = { items: 2_000, length: 512 * 1024 };

/** What one site and Backlot have said, as JSON lines in two files that take turns, kept across restarts of both. */
export class SiteLog {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #lane = new Lane();
  readonly #followers = new Set<Feed>();
  #waiting: string[] = [];
  #waitingLength = 0;
  #lost = 0;
  #isFlushing = false;
  /** Size of the current file; null until it was looked at. */
  #size: number | null = null;
  #isClosed = false;

  /** The folder is made on the first line. */
  constructor(options: { readonly folder: string; readonly clock: Clock; readonly limits?: LogLimits }) {
    this.#folder = options.folder;
    this.#clock = options.clock;
    this.#limits = options.limits ?? defaultLogLimits;
  }

  /** Adds a line; never waits and never throws. */
  write(stream: LogLine["stream"], line: string): void {
    if (this.#isClosed) return;
    const text = format(this.#clock, stream, line);
    for (const follower of this.#followers) follower.push(text);
    if (this.#waitingLength + text.length > this.#limits.waitingCharacters) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(text);
    this.#waitingLength += text.length;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    void this.#lane.run(() => this.#flush());
  }

  /** The last lines, each a JSON object and a line feed. */
  tail(count: number): Promise<string> {
    return this.#lane.run(async () => {
      await this.#flush();
      return this.#readTail(count);
    });
  }

  /**
   * The last lines, then those to come until the signal is aborted or the site is removed: none twice, none left out. Resolves
   * once nothing said from now on can be missed; the signal has to be aborted in the end, whether anything was read or not.
   */
  async follow(count: number, signal: AbortSignal): Promise<AsyncGenerator<string>> {
    if (this.#followers.size >= this.#limits.followers) throw new Failure("rate_limited", { retryAfterSeconds: 10 });
    const feed = new Feed(followerLimits, (skipped) => format(this.#clock, "platform", `${skipped} lines were skipped here: the reader is too slow`));
    const leave = (): void => {
      this.#followers.delete(feed);
      feed.end();
    };
    signal.addEventListener("abort", leave, { once: true });
    const tail = await this.#lane.run(async () => {
      const waiting = this.#takeWaiting();
      // In the same turn as the waiting lines are taken: what comes later goes to the feed, and to the files only after they were read.
      this.#followers.add(feed);
      await this.#append(waiting);
      return this.#readTail(count);
    });
    if (signal.aborted || this.#isClosed) leave();
    return readAll(tail, feed, leave);
  }

  /** Waits until everything said so far is written. */
  flushed(): Promise<void> {
    return this.#lane.run(() => this.#flush());
  }

  /** Ends every follower, and takes nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const follower of this.#followers) follower.end();
    await this.flushed();
  }

  /** Deletes the files; the site is gone. */
  async delete(): Promise<void> {
    await this.close();
    await this.#lane.run(() => rm(this.#folder, { recursive: true, force: true }));
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) await this.#append(this.#takeWaiting());
    this.#isFlushing = false;
  }

  #takeWaiting(): string {
    if (this.#lost > 0) this.#waiting.push(format(this.#clock, "platform", `${this.#lost} lines were lost here: the disk is too slow or full`));
    const text = this.#waiting.join("");
    this.#waiting = [];
    this.#waitingLength = 0;
    this.#lost = 0;
    return text;
  }

  // A log must never stop a site: a full disk loses lines and says so later.
  async #append(text: string): Promise<void> {
    if (text === "") return;
    const bytes = Buffer.from(text, "utf8");
    try {
      const size = this.#size ?? (await this.#prepare());
      if (size > 0 && size + bytes.length > this.#limits.fileBytes) await rename(this.#current, this.#previous);
      const before = size + bytes.length > this.#limits.fileBytes ? 0 : size;
      await appendFile(this.#current, bytes, { mode: 0o600 });
      this.#size = before + bytes.length;
    } catch {
      this.#lost += countLines(text);
      this.#size = null;
    }
  }

  /** Makes the folder, and ends a line that a crash cut in half. */
  async #prepare(): Promise<number> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const size = await stat(this.#current).then(
      (found) => found.size,
      () => 0,
    );
    if (size === 0) return 0;
    await using file = await open(this.#current, "r+");
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] === 0x0a) return size;
    await file.write("\n", size);
    return size + 1;
  }

  async #readTail(count: number): Promise<string> {
    if (count === 0) return "";
    const current = linesOf(await readText(this.#current));
    if (current.length >= count) return joined(current.slice(-count));
    const previous = linesOf(await readText(this.#previous));
    return joined([...previous, ...current].slice(-count));
  }

  get #current(): string {
    return `${this.#folder}/current.ndjson`;
  }

  get #previous(): string {
    return `${this.#folder}/previous.ndjson`;
  }
}

async function* readAll(tail: string, feed: Feed, leave: () => void): AsyncGenerator<string> {
  try {
    if (tail !== "") yield tail;
    yield* feed.read();
  } finally {
    leave();
  }
}

function format(clock: Clock, stream: LogLine["stream"], line: string): string {
  const entry: LogLine = { at: new Date(clock.now()).toISOString(), stream, line };
  return `${JSON.stringify(entry)}\n`;
}

async function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}

// A line that a crash cut in half is not JSON; what readers get always is.
function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line.startsWith('{"at":') && line.endsWith('"}'));
}

function joined(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function countLines(text: string): number {
  return text.split("\n").length - 1;
}
