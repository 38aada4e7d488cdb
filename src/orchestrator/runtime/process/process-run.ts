import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "#kit/log.ts";
import type { RunExit, RunningRun, RunRequest } from "../run.ts";
import { endTree } from "./end-tree.ts";
import type { Launched } from "./launch.ts";
import type { ProcessTree } from "./process-tree.ts";
import { exitOf } from "./program-exit.ts";
import type { RunCgroup } from "./run-cgroup.ts";

export interface RunParts {
  readonly launched: Launched;
  readonly tree: ProcessTree;
  readonly cgroup: RunCgroup | null;
  /** Looks, once the main program has ended by itself, whether nothing is left but a sandbox that may stay; null for a sandbox that goes with its run. */
  readonly settle?: (() => boolean) | null;
  readonly release: () => Promise<void>;
  /** How long the last of the output may take to be read. */
  readonly outputGraceMs?: number;
  readonly log: Log;
}

// A slow disk may need this long for the last of the output.
const usualOutputGraceMs = 10_000;

/** One run and everything that it started. */
export class ProcessRun implements RunningRun {
  readonly process: RunningRun["process"];
  readonly exited: Promise<RunExit>;
  readonly #parts: RunParts;
  #wasToldToEnd = false;
  /** From here on its sandbox is another run's. */
  #isOver = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.process = parts.launched.leader;
    this.exited = this.#end();
  }

  async end(graceMs: number): Promise<void> {
    this.#wasToldToEnd = true;
    if (!this.#isOver) await endTree(this.#parts.tree, graceMs, this.exited);
    await this.exited;
  }

  async #end(): Promise<RunExit> {
    const { launched, tree, cgroup, settle = null, release, outputGraceMs = usualOutputGraceMs, log } = this.#parts;
    const ended = await launched.ended;
    // What was told to end may be in the middle of it, and who tells it still looks at its processes.
    this.#isOver = settle !== null && !this.#wasToldToEnd && settle();
    // What it left running in the background ends with it: a run is over when all of it is.
    for (let waitMs = 1; !this.#isOver && !tree.isGone(); waitMs = Math.min(waitMs * 2, 50)) {
      tree.kill();
      await delay(waitMs);
    }
    const waiting = new AbortController();
    await Promise.race([launched.output.catch(() => undefined), delay(outputGraceMs, undefined, { signal: waiting.signal }).catch(() => undefined)]);
    waiting.abort();
    // A descriptor that was handed to somebody else may outlive all of the run; what had to open the pipe may have died before.
    launched.dropOutput();
    const exit = { ...exitOf(ended, cgroup?.oomKills() ?? 0), ...(cgroup?.usage() ?? { cpuMs: null, peakMemoryBytes: null }) };
    // Nobody waits for the kernel to give the group back; one that stays behind is removed at the next start.
    release().catch((error: unknown) => log.error({ err: error }, "not everything of a run was given back"));
    return exit;
  }
}

/** Reads a pipe to its end, no faster than the run's output is taken. */
export function takeOutputFor(onOutput: RunRequest["onOutput"]): (stream: "stdout" | "stderr", pipe: Readable) => Promise<void> {
  return (stream, pipe) => {
    const take = (chunk: Buffer): void => {
      const taken = onOutput(stream, chunk);
      if (taken === undefined) return;
      pipe.pause();
      void taken.finally(() => pipe.resume());
    };
    return new Promise((resolve) => {
      pipe.once("close", resolve);
      pipe.on("data", take);
      pipe.resume();
    });
  };
}
