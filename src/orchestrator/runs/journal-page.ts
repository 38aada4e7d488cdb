import { closeSync, fdatasync, openSync, unlinkSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { codeOf } from "#kit/jail/descriptor.ts";
import type { RunRecord } from "./run-record.ts";

const datasync = promisify(fdatasync);

/** One file of the journal of runs. Its whole length is written when it is made: a flush of what is added is then about that alone, not about a file that grows. */
export class JournalPage {
  readonly file: string;
  /** What began here and goes on, as far as anybody knows, by uid. */
  readonly open = new Map<string, RunRecord>();
  /** Uids of what began here and has ended since. */
  readonly ended = new Set<string>();
  #descriptor: number | null = null;
  #at = 0;
  #size = 0;
  #isNew = false;
  /** A flush has failed. What the kernel could not write it forgets, and says that all is well the next time: nothing more may be put down here. */
  isBroken = false;

  /** One that is there already, to be read. */
  constructor(file: string) {
    this.file = file;
  }

  /** @throws when the disk has no room for it. */
  static make(file: string, bytes: number): JournalPage {
    const page = new JournalPage(file);
    page.#descriptor = openSync(file, "wx", 0o600);
    page.#size = bytes;
    page.#isNew = true;
    try {
      writeAll(page.#descriptor, Buffer.alloc(bytes), 0);
    } catch (cause) {
      page.remove();
      throw cause;
    }
    return page;
  }

  hasRoom(bytes: number): boolean {
    return this.#at + bytes <= this.#size;
  }

  append(bytes: Uint8Array): void {
    if (this.#descriptor === null) throw new Error(`the page ${this.file} is closed`);
    writeAll(this.#descriptor, bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Brings what was added to the disk; says whether the name of the file is to be brought there, too. */
  async flush(): Promise<boolean> {
    if (this.#descriptor === null) return false;
    if (this.isBroken) throw new Error(`the page ${this.file} could not be written`);
    const isNew = this.#isNew;
    try {
      await datasync(this.#descriptor);
    } catch (cause) {
      this.isBroken = true;
      throw cause;
    }
    this.#isNew = false;
    return isNew;
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  remove(): void {
    this.close();
    try {
      unlinkSync(this.file);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
}
