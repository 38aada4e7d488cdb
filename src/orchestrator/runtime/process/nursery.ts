import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { codeOf } from "#kit/jail/descriptor.ts";
import { type InwardPipe, NurseryPipes, type OutwardPipe } from "./nursery-pipes.ts";
import { inside } from "./sandbox-command.ts";
import { withPipes } from "./with-pipes.ts";

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

/** A sandbox to be made. */
export interface NurseryOrder {
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly networkNamespace: string | null;
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

/** A sandbox under way that takes orders. */
export interface NurseryShelter {
  /** What bubblewrap says against it. */
  readonly complaint: Readable;
  /** Bubblewrap's facts and the gate's words; ends when nobody is left who could say any. */
  readonly tell: Readable;
  readonly ended: Promise<number | null>;
  say(orders: string): Promise<void>;
}

/** It was killed before it had started anything. */
export class NurseryGone extends Error {
  override readonly name = "NurseryGone";
}

/** The pipes of a start, in the order in which `nursery.sh` takes them. */
interface Opened<Started> {
  readonly inward: readonly InwardPipe[];
  readonly outward: OutwardPipe;
  made(ended: Promise<number | null>): Started;
}

const program = fileURLToPath(new URL("./nursery.sh", import.meta.url));

/** A small shell that starts one sandbox at a time (see `nursery.sh`). It stands in its own process group and dies with us. */
export class Nursery {
  readonly #place: NurseryPlace;
  readonly #child: ChildProcess;
  readonly #pipes: NurseryPipes;
  #running: PromiseWithResolvers<number | null> | null = null;
  #hasEnded = false;
  /** Resolves when its process has gone. */
  readonly gone: Promise<void>;

  constructor(place: NurseryPlace) {
    this.#place = place;
    mkdirSync(place.folder, { recursive: true, mode: 0o700 });
    // For the gates of sandboxes that serve several runs; nobody else comes through the folder around it.
    chmodSync(place.folder, 0o711);
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
      inside.shell,
    ];
    const apart = place.network === null ? [] : [place.network.unshare, "--net", "--"];
    const argv = ["--pdeathsig", "KILL", "--", ...apart, shell, program, ...given];
    this.#child = withPipes(spawn(setpriv, argv, { env: {}, cwd: "/", detached: true, stdio: ["pipe", "pipe", "ignore", "pipe"] }));
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
    this.#pipes = new NurseryPipes(place.folder, (line) => {
      const guard = this.#child.stdio[3];
      if (guard instanceof Writable) guard.write(`${line}\n`);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it can start something: alive, and with nothing under way. */
  get isIdle(): boolean {
    return !this.#hasEnded && this.#running === null;
  }

  /** Begins a start; the next one has to wait until this one has ended. `fileBlocks` are of 512 bytes. */
  async start(order: NurseryOrder & { readonly fileBlocks: number }): Promise<NurseryStart> {
    return this.#begin("run", order, () => {
      const [out, err, tell] = [this.#pipes.inward(), this.#pipes.inward(), this.#pipes.inward()];
      const go = this.#pipes.outward();
      const made = (ended: Promise<number | null>) => ({
        ...{ stdout: out.read, stderr: err.read, tell: tell.read, ended },
        say: (words: string) => go.write(words),
        kill: () => this.kill(),
      });
      return { inward: [out, err, tell], outward: go, made };
    });
  }

  /** Begins a sandbox whose gate takes orders; the next start has to wait until it has ended. */
  async shelter(order: NurseryOrder): Promise<NurseryShelter> {
    return this.#begin("sandbox", order, () => {
      const [err, tell] = [this.#pipes.inward(), this.#pipes.inward()];
      const orders = this.#pipes.outward();
      const made = (ended: Promise<number | null>) => ({ complaint: err.read, tell: tell.read, ended, say: (text: string) => orders.write(text) });
      return { inward: [err, tell], outward: orders, made };
    });
  }

  /** Two pipes for the output of a run. */
  async outputs(): Promise<{ readonly stdout: InwardPipe; readonly stderr: InwardPipe }> {
    await this.#pipes.ready();
    if (this.#hasEnded) throw new NurseryGone();
    return this.#pipes.open(() => ({ stdout: this.#pipes.inward(), stderr: this.#pipes.inward() }));
  }

  /** To be called when nothing runs: the next starts shall find their pipes. */
  topUp(): void {
    if (!this.#hasEnded) this.#pipes.topUp();
  }

  async #begin<Started>(word: "run" | "sandbox", order: NurseryOrder & { readonly fileBlocks?: number }, open: () => Opened<Started>): Promise<Started> {
    if (!this.isIdle) throw new Error("the nursery is busy");
    const running = Promise.withResolvers<number | null>();
    this.#running = running;
    // Two may not come so far together, and none after the end.
    await this.#pipes.ready();
    if (this.#hasEnded) throw new NurseryGone();
    try {
      const { inward, outward, made } = this.#pipes.open(open);
      const ended = running.promise.then((code) => {
        outward.close();
        for (const pipe of inward) pipe.unlink();
        this.topUp();
        return code;
      });
      writeFileSync(join(this.#place.folder, "arguments"), order.arguments.map((argument) => `${argument}\0`).join(""), { mode: 0o600 });
      const { owner, networkNamespace, fileBlocks } = order;
      const rest = [owner?.uid ?? "-", owner?.gid ?? "-", networkNamespace ?? "-", ...(fileBlocks === undefined ? [] : [fileBlocks])];
      this.#child.stdin?.write(`${[word, ...inward.map(({ number }) => number), outward.number, ...rest].join(" ")}\n`);
      return made(ended);
    } catch (error) {
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

  #heard(line: string): void {
    if (line === "made") this.#pipes.made();
    const ended = /^ended (\d+)$/.exec(line);
    if (ended === null) return;
    const running = this.#running;
    this.#running = null;
    running?.resolve(Number(ended[1]));
  }

  #ended(): void {
    this.#hasEnded = true;
    this.#pipes.made();
    this.#running?.resolve(null);
    // Its guard ends with this, if somebody has killed the nursery alone.
    for (const pipe of this.#child.stdio) pipe?.destroy();
  }
}
