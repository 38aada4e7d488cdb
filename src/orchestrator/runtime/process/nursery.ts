import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, rmSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { codeOf } from "#kit/jail/descriptor.ts";
import { inside } from "./sandbox-command.ts";

/** What a nursery needs to know of the machine once and for all. */
export interface NurseryPlace {
  readonly programs: { readonly bwrap: string; readonly nsenter: string; readonly setpriv: string; readonly mkfifo: string; readonly shell: string };
  /** What puts a nursery into an empty network of its own; null where each sandbox makes one. */
  readonly network: { readonly unshare: string; readonly ip: string } | null;
  /** Descriptors inherited by mistake. */
  readonly leaked: readonly number[];
  /** The launcher's mount namespace; null when it shares ours. */
  readonly mountNamespace: string | null;
  readonly seccompFile: string | null;
  /** Nobody but the platform comes into it. */
  readonly folder: string;
}

/** One start. */
export interface NurseryOrder {
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly networkNamespace: string | null;
  /** In blocks of 512 bytes. */
  readonly fileBlocks: number;
  /** What bubblewrap reads. */
  readonly arguments: readonly string[];
}

/** A start under way: the pipes of one program, read from the other side. */
export interface NurseryStart {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Bubblewrap's facts and the gate's word. */
  readonly tell: Readable;
  /** What the launcher ended with, after bubblewrap's way of telling signals; null when the nursery itself has gone. */
  readonly ended: Promise<number | null>;
  /** Lets the gate go on. */
  say(words: string): Promise<void>;
  /** Ends what was started, and the nursery with it. */
  kill(): void;
}

/** It was killed before it had started anything. */
export class NurseryGone extends Error {
  override readonly name = "NurseryGone";
}

const program = fileURLToPath(new URL("./nursery.sh", import.meta.url));
/** Named pipes are made for so many starts at a time: a program has to be run for that. */
const batch = 16;
const { O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/** A small shell that starts one sandbox at a time (see `nursery.sh`). It stands in its own process group and dies with us. */
export class Nursery {
  readonly #place: NurseryPlace;
  readonly #child: ChildProcess;
  #next = 1;
  #made = 0;
  #making: PromiseWithResolvers<void> | null = null;
  #running: PromiseWithResolvers<number | null> | null = null;
  #hasEnded = false;
  /** Resolves when its process has gone. */
  readonly gone: Promise<void>;

  constructor(place: NurseryPlace) {
    this.#place = place;
    mkdirSync(place.folder, { recursive: true, mode: 0o700 });
    const { setpriv, mkfifo, nsenter, bwrap, shell } = place.programs;
    const given = [
      place.leaked.length === 0 ? "-" : place.leaked.join(","),
      place.folder,
      mkfifo,
      nsenter,
      bwrap,
      place.mountNamespace ?? "-",
      "/bin/sh",
      inside.gate,
      place.seccompFile ?? "-",
      place.network?.ip ?? "-",
    ];
    const apart = place.network === null ? [] : [place.network.unshare, "--net", "--"];
    this.#child = spawn(setpriv, ["--pdeathsig", "KILL", "--", ...apart, shell, program, ...given], {
      env: {},
      cwd: "/",
      detached: true,
      stdio: ["pipe", "pipe", "ignore", "pipe"],
    });
    for (const pipe of this.#child.stdio) pipe?.on("error", () => pipe.destroy());
    const lines = createInterface({ input: this.#child.stdout ?? process.stdin });
    lines.on("line", (line) => this.#heard(line));
    this.gone = new Promise((resolve) => {
      const end = (): void => {
        this.#ended();
        resolve();
      };
      this.#child.once("exit", end).once("error", end);
    });
    this.#make();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it can start something: alive, and with nothing under way. */
  get isIdle(): boolean {
    return !this.#hasEnded && this.#running === null;
  }

  /** Begins a start; the next one has to wait until this one has ended. */
  async start(order: NurseryOrder): Promise<NurseryStart> {
    if (!this.isIdle) throw new Error("the nursery is busy");
    const running = Promise.withResolvers<number | null>();
    this.#running = running;
    // Two may not come so far together, and none after the end.
    await this.#making?.promise;
    if (this.#hasEnded) throw new NurseryGone();
    const number = this.#next;
    this.#next += 1;
    const { folder } = this.#place;
    const path = (name: string): string => join(folder, `${number}-${name}`);
    const opened: number[] = [];
    const open = (name: string, flags: number): number => {
      const descriptor = openSync(path(name), flags | O_NONBLOCK);
      opened.push(descriptor);
      return descriptor;
    };
    try {
      writeFileSync(join(folder, "arguments"), order.arguments.map((argument) => `${argument}\0`).join(""), { mode: 0o600 });
      const [out, err, tell] = [open("out", O_RDONLY), open("err", O_RDONLY), open("tell", O_RDONLY)];
      // Open to read as well, so that neither side waits for the other to open it.
      const go = open("go", O_RDWR);
      const { owner, networkNamespace, fileBlocks } = order;
      this.#order(`run ${number} ${owner?.uid ?? "-"} ${owner?.gid ?? "-"} ${networkNamespace ?? "-"} ${fileBlocks}`);
      const [stdout, stderr, facts] = [out, err, tell].map(readableOf) as [Socket, Socket, Socket];
      // From here on their sockets close them.
      opened.length = 0;
      // A number that was closed may be another file's by then.
      let isOver = false;
      const say = (words: string): Promise<void> => writeAll(() => (isOver ? null : go), words);
      const ended = running.promise.then((code) => {
        isOver = true;
        closeSync(go);
        for (const name of ["out", "err", "tell", "go"]) unlinkSync(path(name));
        return code;
      });
      return { stdout, stderr, tell: facts, ended, say, kill: () => this.kill() };
    } catch (error) {
      for (const descriptor of opened) closeSync(descriptor);
      // What it may have started of it is not known any more.
      this.kill();
      throw error;
    }
  }

  /** Ends it at once, and whatever it started. */
  kill(): void {
    if (this.#hasEnded || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch (error) {
      if (codeOf(error) !== "ESRCH") throw error;
    }
  }

  async close(): Promise<void> {
    this.kill();
    await this.gone;
    rmSync(this.#place.folder, { recursive: true, force: true });
  }

  #make(): void {
    this.#making = Promise.withResolvers<void>();
    this.#order(`make ${this.#made + 1} ${this.#made + batch}`);
    this.#made += batch;
  }

  #order(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  #heard(line: string): void {
    if (line === "made") {
      this.#making?.resolve();
      this.#making = null;
    }
    const ended = /^ended (\d+)$/.exec(line);
    if (ended === null) return;
    const running = this.#running;
    this.#running = null;
    if (this.#next > this.#made) this.#make();
    running?.resolve(Number(ended[1]));
  }

  #ended(): void {
    this.#hasEnded = true;
    this.#making?.resolve();
    this.#running?.resolve(null);
    // Its guard ends with this, if somebody has killed the nursery alone.
    for (const pipe of this.#child.stdio) pipe?.destroy();
  }
}

function readableOf(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: false });
}

// A pipe takes what we say at once unless somebody has filled the machine's pipes.
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
