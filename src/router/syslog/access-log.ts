import { appendFile, mkdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Log } from "#kit/log.ts";
import type { AccessLine, AccessWords } from "./access-line.ts";

/** Where access logs go and how much there may be of them. */
export interface AccessLogOptions {
  /** One file for each site, `105.log`, and one older one beside it. */
  readonly folder: string;
  readonly mostBytes: number;
  readonly log: Log;
}

const flushMs = 1000;
/** Lines of one site in one second, and of all together: a flood must not fill memory or disk. The rest is only counted. */
const mostLines = 2000;
const mostWaitingLines = 50_000;

/** Access logs of sites: gathered for a second, then written, two files of bounded size for each. */
export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #waiting = new Map<number, string[]>();
  /** Lines in memory: those that gather, and those that a slow disk has not yet taken. */
  #lines = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** Lines that were counted and not written. */
  skipped = 0;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  note(siteId: number, line: AccessLine): void {
    if (this.#options.mostBytes === 0) return;
    const lines = this.#waiting.get(siteId) ?? [];
    this.#waiting.set(siteId, lines);
    if (lines.length >= mostLines || this.#lines >= mostWaitingLines) {
      this.skipped += 1;
      return;
    }
    const { words } = line;
    if (words === null) return;
    lines.push(textOf(line, words));
    this.#lines += 1;
    this.#timer ??= setTimeout(() => void this.flush(), flushMs).unref();
  }

  /** Writes what has gathered. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    const count = waiting.reduce((sum, [, lines]) => sum + lines.length, 0);
    this.#writing = this.#writing
      .then(() => this.#writeAll(waiting))
      .catch((err: unknown) => this.#options.log.warn({ err }, "access logs not written"))
      .finally(() => {
        this.#lines -= count;
      });
    await this.#writing;
  }

  /** The site was deleted: nothing of its visitors is kept. */
  async forget(siteId: number): Promise<void> {
    this.#lines -= this.#waiting.get(siteId)?.length ?? 0;
    this.#waiting.delete(siteId);
    const file = this.#fileOf(siteId);
    this.#writing = this.#writing
      .then(() => Promise.all([rm(file, { force: true }), rm(olderThan(file), { force: true })]))
      .then(
        () => undefined,
        (err: unknown) => this.#options.log.warn({ err, siteId }, "access log not removed"),
      );
    await this.#writing;
  }

  #fileOf(siteId: number): string {
    return path.join(this.#options.folder, `${siteId}.log`);
  }

  async #writeAll(waiting: readonly (readonly [number, readonly string[]])[]): Promise<void> {
    const { folder, mostBytes } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const [siteId, lines] of waiting) {
      const file = this.#fileOf(siteId);
      const size = await stat(file).then(
        (found) => found.size,
        () => 0,
      );
      if (size > mostBytes / 2) await rename(file, olderThan(file));
      await appendFile(file, lines.join(""), { mode: 0o600 });
    }
  }
}

function olderThan(file: string): string {
  return `${file}.1`;
}

/** The combined format that every log reader knows, with the time it took at the end. */
function textOf({ status, bytes, time }: AccessLine, { c, m, p, d, a }: AccessWords): string {
  const request = ['"', plain(m), " ", plain(p), '"'];
  return [plain(c) || "-", " - - [", timeOf(time), "] ", ...request, " ", status, " ", bytes, ' "-" "', plain(a), '" ', d, "ms\n"].join("");
}

function plain(text: string): string {
  // Those that would break the line, or a terminal.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029"\\]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

// In one form, whatever the machine's zone and the sender's care.
function timeOf(time: string): string {
  const known = Date.parse(time);
  return new Date(Number.isNaN(known) ? Date.now() : known).toISOString();
}
