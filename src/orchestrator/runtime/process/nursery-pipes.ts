import { closeSync, constants, openSync, unlinkSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "#kit/jail/descriptor.ts";

/** So many are made at a time: a program has to be run for that. */
const batch = 64;
/** More are asked for when so few are left. */
const low = 16;
const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** Something written by a nursery, or by what it has started. */
export interface InwardPipe {
  readonly number: number;
  readonly read: Readable;
  /** Nobody opens it by its name from here on; it ends when nobody has it open any more, also when nobody ever had. */
  unlink(): void;
}

/** Something that we write. */
export interface OutwardPipe {
  readonly number: number;
  write(text: string): Promise<void>;
  close(): void;
}

/** The named pipes of one nursery, made ahead of time and each used once: a program could hand the descriptor of its output to a neighbour. */
export class NurseryPipes {
  readonly #folder: string;
  readonly #order: (line: string) => void;
  #next = 1;
  #made = 0;
  #making: PromiseWithResolvers<void> | null = null;
  #opened: (() => void)[] = [];

  /** `order` hands a line to whom makes them, which answers by `made`. */
  constructor(folder: string, order: (line: string) => void) {
    this.#folder = folder;
    this.#order = order;
    this.topUp();
  }

  /** Resolves when nothing is being made, and a start has all that it needs. */
  async ready(): Promise<void> {
    await this.#making?.promise;
  }

  /** Asks for more when few are left. Not while a program runs: what makes them would count as the program's. */
  topUp(): void {
    if (this.#making !== null || this.#made - this.#next >= low) return;
    this.#making = Promise.withResolvers<void>();
    this.#order(`${this.#made + 1} ${this.#made + batch}`);
    this.#made += batch;
  }

  /** They are there, or never will be. */
  made(): void {
    this.#making?.resolve();
    this.#making = null;
  }

  /** Opens several, or none. */
  open<Pipes>(several: () => Pipes): Pipes {
    this.#opened = [];
    try {
      return several();
    } catch (error) {
      for (const drop of this.#opened) drop();
      throw error;
    }
  }

  inward(): InwardPipe {
    const { number, path } = this.#take();
    const read = new Socket({ fd: openSync(path, O_RDONLY | O_NONBLOCK), readable: true, writable: false });
    this.#opened.push(() => read.destroy());
    const unlink = (): void => {
      letEnd(path);
      unlinkIfThere(path);
    };
    return { number, read, unlink };
  }

  outward(): OutwardPipe {
    const { number, path } = this.#take();
    // Open to read as well, so that neither side waits for the other to open it. A number that was closed may be another file's by then.
    let descriptor: number | null = openSync(path, O_RDWR | O_NONBLOCK);
    const close = (): void => {
      if (descriptor === null) return;
      closeSync(descriptor);
      descriptor = null;
      unlinkIfThere(path);
    };
    this.#opened.push(close);
    return { number, write: (text) => writeAll(() => descriptor, text), close };
  }

  #take(): { readonly number: number; readonly path: string } {
    const number = this.#next;
    this.#next += 1;
    return { number, path: join(this.#folder, String(number)) };
  }
}

// A pipe that was never opened to write has no end: a child that is killed before it opens its output would be waited for.
function letEnd(path: string): void {
  try {
    closeSync(openSync(path, O_WRONLY | O_NONBLOCK));
  } catch (error) {
    // Gone with the nursery's folder, or nobody reads it any more.
    if (!["ENOENT", "ENXIO"].includes(codeOf(error))) throw error;
  }
}

// The nursery's folder may be gone with it.
function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

// A pipe takes what we say at once unless it is long, or somebody has filled the machine's pipes.
async function writeAll(target: () => number | null, text: string): Promise<void> {
  for (let rest = Buffer.from(text); rest.length > 0; ) {
    const descriptor = target();
    if (descriptor === null) return;
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") throw error;
      await delay(1);
    }
  }
}
