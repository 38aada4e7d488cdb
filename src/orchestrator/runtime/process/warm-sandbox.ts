import { Failure } from "#contract/failure.ts";
import { type GateRun, gateBegins, gateRuns, gateSaid } from "./gate-orders.ts";
import { initIn, isExhausted, readyTimeoutMs } from "./launch.ts";
import { type Nursery, NurseryGone, type NurseryOrder, type NurseryShelter } from "./nursery.ts";
import type { InwardPipe } from "./nursery-pipes.ts";
import { identify, isAlive, type ProcessId, parentOf, signalProcess } from "./process-table.ts";
import type { RunCgroup } from "./run-cgroup.ts";
import { isClosedToItsUser, sandboxTrace } from "./sandbox-trace.ts";

/** Nothing of a run has begun. */
export class SandboxNotMade extends Error {
  override readonly name = "SandboxNotMade";
}

/** A run under way in a sandbox that stays. */
export interface WarmRun {
  readonly stdout: InwardPipe;
  readonly stderr: InwardPipe;
  /** What its main program ended with, after the shell's way of telling signals; null when the nursery has gone with everything. */
  readonly ended: Promise<number | null>;
}

interface SandboxPlan {
  /** What runs have in common that it may serve. */
  readonly key: string;
  readonly nursery: Nursery;
  /** The nursery's. */
  readonly cgroup: RunCgroup | null;
}

/** A sandbox for runs that are alike and follow one another, as long as none of them leaves anything behind. */
export class WarmSandbox {
  readonly key: string;
  readonly leader: ProcessId;
  /** The gate. */
  readonly init: ProcessId;
  readonly #nursery: Nursery;
  readonly #shelter: NurseryShelter;
  readonly #words: Words;
  readonly #trace: string;
  /** Of its control group when nothing runs: the nursery, bubblewrap, the gate, and the nursery's guard unless that was there before the group. */
  readonly #tasks: number;
  readonly bornAt = performance.now();
  #isFit = true;

  private constructor(given: SandboxPlan & { readonly shelter: NurseryShelter; readonly words: Words }, initPid: number) {
    const [init, leader] = [identify(initPid), identify(parentOf(initPid) ?? 0)];
    if (init === null || leader === null) throw new NurseryGone();
    const trace = sandboxTrace(initPid);
    const unfit = (why: string): Error => (isAlive(init) ? new SandboxNotMade(why) : new NurseryGone());
    // Some kernels tell of no children, and a root without CAP_SYS_PTRACE sees no tenant's folders.
    if (trace === null) throw unfit("the sandbox cannot be looked into");
    if (!isClosedToItsUser(initPid)) throw unfit("what runs in the sandbox could look into its gate");
    this.#tasks = given.cgroup?.tasks() ?? 0;
    this.key = given.key;
    this.#nursery = given.nursery;
    this.#shelter = given.shelter;
    this.#words = given.words;
    this.init = init;
    this.leader = leader;
    this.#trace = trace;
  }

  /** Makes one; resolves when its gate takes orders. */
  static async open(plan: SandboxPlan, order: NurseryOrder): Promise<WarmSandbox> {
    const { nursery } = plan;
    const shelter = await nursery.shelter(order);
    const words = new Words(shelter);
    let complaint = "";
    shelter.complaint.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString("latin1")).slice(0, 2000);
    });
    try {
      await shelter.say(gateBegins);
      // Where the nursery was killed, a half-made sandbox may stand for a while with nobody to say anything.
      const gone = shelter.ended.then(() => null);
      const ready = words.hear((said) => (/^ready$/m.test(said) ? initIn(said) : null));
      const initPid = await Promise.race([ready.catch(notMade), gone]);
      if (initPid !== null) return new WarmSandbox({ ...plan, shelter, words }, initPid);
      if ((await shelter.ended) === null) throw new NurseryGone();
      throw new SandboxNotMade(`the sandbox could not be made: ${complaint.trim() || "it ended"}`);
    } catch (error) {
      nursery.kill();
      for (const pipe of [shelter.complaint, shelter.tell]) pipe.destroy();
      throw isExhausted(error) ? new Failure("machine_full", {}, { cause: error }) : error;
    }
  }

  /** Whether another run may come. */
  get isFit(): boolean {
    return this.#isFit && !this.#words.hasEnded;
  }

  /** Starts a run; resolves when it has begun. @throws `NurseryGone` when nothing of it has. */
  async run(order: Omit<GateRun, "stdout" | "stderr">): Promise<WarmRun> {
    if (!this.isFit) throw new NurseryGone();
    this.#isFit = false;
    const { stdout, stderr } = await this.#nursery.outputs();
    try {
      this.#words.forget();
      await this.#shelter.say(gateRuns({ ...order, stdout: stdout.number, stderr: stderr.number }));
      // The gate says so before it begins: only when all who could have said it have gone is it certain that it never will.
      const hasBegun = await this.#words.hear((said) => (gateSaid(said).hasBegun ? true : null));
      if (hasBegun === null) throw new NurseryGone();
    } catch (error) {
      this.#nursery.kill();
      for (const pipe of [stdout, stderr]) pipe.read.destroy();
      throw error;
    }
    return { stdout, stderr, ended: this.#codeOf([stdout, stderr]) };
  }

  async #codeOf(pipes: readonly InwardPipe[]): Promise<number | null> {
    await this.#words.hear((said) => gateSaid(said).isClean, Number.POSITIVE_INFINITY);
    for (const pipe of pipes) pipe.unlink();
    return gateSaid(this.#words.said).code ?? this.#shelter.ended;
  }

  /** Looks whether nothing is left of a run that has ended by itself, so that another may come. */
  settle(cgroup: RunCgroup): boolean {
    const { code, isClean } = gateSaid(this.#words.said);
    this.#isFit = code !== null && isClean === true && cgroup.oomKills() === 0 && cgroup.tasks() === this.#tasks && sandboxTrace(this.init.pid) === this.#trace;
    if (this.isFit) this.#nursery.topUp();
    return this.isFit;
  }

  /** Ends it; resolves when the nursery can start something else, or has gone. */
  async close(): Promise<void> {
    this.#isFit = false;
    signalProcess(this.init, "SIGKILL");
    await this.#shelter.ended;
  }
}

function notMade(cause: unknown): never {
  throw new SandboxNotMade(cause instanceof Error ? cause.message : String(cause), { cause });
}

/** What is said in a sandbox, in the order in which it is said. */
class Words {
  said = "";
  /** Nobody is left who could say more. */
  hasEnded = false;
  #look: (() => void) | null = null;

  constructor({ tell }: NurseryShelter) {
    tell.on("data", (chunk: Buffer) => {
      this.said += chunk.toString("latin1");
      this.#look?.();
    });
    tell.once("close", () => {
      this.hasEnded = true;
      this.#look?.();
    });
  }

  forget(): void {
    this.said = "";
  }

  /** Waits until something can be found in what is said; null when it never will be. */
  hear<T>(find: (said: string) => T | null, timeoutMs = readyTimeoutMs): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#look = null;
        clearTimeout(timer);
        settle();
      };
      const tooLong = (): void => end(() => reject(new Error(`the sandbox did not answer within ${timeoutMs / 1000} s`)));
      const timer = Number.isFinite(timeoutMs) ? setTimeout(tooLong, timeoutMs).unref() : undefined;
      this.#look = () => {
        const found = find(this.said);
        if (found !== null || this.hasEnded) end(() => resolve(found));
      };
      this.#look();
    });
  }
}
