import { randomUUID } from "node:crypto";
import { appendFile, mkdir, open, readdir, readFile, rename, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "#kit/jail/descriptor.ts";
import { type HistoryLimits, VersionIndex } from "./version-index.ts";
import { type HistoryLine, parseLine, type VersionLine } from "./version-record.ts";

/** Lines that say nothing any more before the file is written anew. */
const idleLines = 1_000;

/**
 * One site's past on the disk: contents under their sha256, and a file that lines are only added to. A content is on the disk before the
 * line that speaks of it, and both are before the change that they are about; what a crash leaves without a line is removed at the next look.
 * Everything here is called one after another, by `Histories`.
 */
export class SiteHistory {
  readonly #folder: string;
  readonly index: VersionIndex;
  #lines = 0;
  #isMade: boolean;

  private constructor(folder: string, index: VersionIndex, isMade: boolean) {
    this.#folder = folder;
    this.index = index;
    this.#isMade = isMade;
  }

  /** Reads what is there, forgets what has grown too old, and removes what nobody speaks of. */
  static async open(folder: string, limits: HistoryLimits, now: number): Promise<SiteHistory> {
    const contents = await namesIn(join(folder, "contents"));
    const history = new SiteHistory(folder, new VersionIndex(limits), contents !== undefined);
    if (contents === undefined) return history;
    for (const name of (await namesIn(folder)) ?? []) if (name.startsWith("draft-")) await rm(join(folder, name), { force: true });
    const text = await readFile(history.#file, "utf8").catch(absent(""));
    // What a crash cut in half is ended, so that the next line does not go on in it.
    if (text !== "" && !text.endsWith("\n")) await appendFile(history.#file, "\n");
    for (const line of text.split("\n")) {
      history.#lines += 1;
      const parsed = parseLine(line);
      if (parsed !== undefined) history.index.add(parsed);
    }
    const present = new Set(contents);
    history.index.prune(now, (sha256) => present.has(sha256));
    await history.#remove(contents.filter((name) => !history.index.has(name)));
    await history.#rewriteIfLong();
    return history;
  }

  /** Keeps a content and says what it was; on the disk when this resolves. */
  async keep(bytes: Uint8Array, version: Omit<VersionLine, "kind" | "id">): Promise<void> {
    await this.#make();
    if (!this.index.has(version.sha256)) await this.#writeContent(version.sha256, bytes);
    await this.#append({ kind: "version", id: randomUUID(), ...version }, true);
  }

  /** Adds a line that no content hangs on: losing it in a power cut loses only itself. */
  async note(line: Exclude<HistoryLine, VersionLine>): Promise<void> {
    await this.#make();
    await this.#append(line, false);
  }

  /** A content's bytes; undefined when they are lost. */
  async read(sha256: string): Promise<Uint8Array | undefined> {
    return readFile(join(this.#folder, "contents", sha256)).catch(absent(undefined));
  }

  async #append(line: HistoryLine, isSynced: boolean): Promise<void> {
    await using file = await open(this.#file, "a", 0o600);
    await file.appendFile(`${JSON.stringify(line)}\n`);
    if (isSynced) await file.datasync();
    this.#lines += 1;
    await this.#remove(this.index.add(line));
    await this.#rewriteIfLong();
  }

  async #writeContent(sha256: string, bytes: Uint8Array): Promise<void> {
    const draft = join(this.#folder, `draft-${randomUUID()}`);
    try {
      await using file = await open(draft, "wx", 0o600);
      await file.writeFile(bytes);
      await file.sync();
      await rename(draft, join(this.#folder, "contents", sha256));
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await syncFolder(join(this.#folder, "contents"));
  }

  async #rewriteIfLong(): Promise<void> {
    if (this.#lines < 2 * this.index.size + idleLines) return;
    const lines = this.index.lines();
    const draft = join(this.#folder, "lines.draft");
    {
      await using file = await open(draft, "w", 0o600);
      await file.writeFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
      await file.sync();
    }
    await rename(draft, this.#file);
    await syncFolder(this.#folder);
    this.#lines = lines.length;
  }

  async #make(): Promise<void> {
    if (this.#isMade) return;
    await mkdir(join(this.#folder, "contents"), { recursive: true, mode: 0o700 });
    await (await open(this.#file, "a", 0o600)).close();
    await syncFolder(this.#folder);
    this.#isMade = true;
  }

  async #remove(contents: readonly string[]): Promise<void> {
    for (const sha256 of contents) await unlink(join(this.#folder, "contents", sha256)).catch(absent(undefined));
  }

  get #file(): string {
    return join(this.#folder, "lines.ndjson");
  }
}

async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  return readdir(folder).catch(absent(undefined));
}

async function syncFolder(folder: string): Promise<void> {
  await using opened = await open(folder, "r");
  await opened.sync();
}

function absent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (codeOf(error) === "ENOENT") return value;
    throw error;
  };
}
