import type { RunView } from "#contract/internal/runs.ts";
import type { LogStream, RunEnd } from "#contract/task.ts";
import type { RunExit, RunningRun } from "#orchestrator/runtime/run.ts";
import type { KeptOutput } from "./kept-output.ts";
import { type RunRecord, viewOf } from "./run-record.ts";

/** Why a run is ended from outside. */
export interface EndReason {
  readonly end: Extract<RunEnd, "cancelled" | "timed-out" | "lost">;
  readonly message: string | null;
}

export interface LiveRunParts {
  readonly record: RunRecord;
  readonly running: RunningRun;
  readonly outputs: Readonly<Record<LogStream, KeptOutput>>;
  readonly timeoutMs: number;
  readonly now: () => Date;
  readonly freeBytes: () => number | null;
  /** Puts the end down; called once. Never rejects. */
  readonly onEnd: (record: RunRecord) => Promise<void>;
}

/** What a script that ran into its time has to end well. */
const timeoutGraceMs = 5_000;

/** A run that was started by this process and goes on. */
export class LiveRun {
  readonly #parts: LiveRunParts;
  readonly #timer: NodeJS.Timeout;
  /** Resolves when its end was put down. Never rejects. */
  readonly ended: Promise<void>;
  #record: RunRecord;
  #reason: EndReason | null = null;
  #hasExited = false;

  constructor(parts: LiveRunParts) {
    this.#parts = parts;
    this.#record = parts.record;
    const message = `It took longer than its ${parts.timeoutMs / 1000} seconds.`;
    this.#timer = setTimeout(() => void this.end({ end: "timed-out", message }, timeoutGraceMs), parts.timeoutMs).unref();
    this.ended = this.#finish();
  }

  get attempt(): number {
    return this.#record.attempt;
  }

  get siteId(): number | null {
    return this.#record.siteId;
  }

  get view(): RunView {
    const { stdout, stderr } = this.#parts.outputs;
    return viewOf(this.#record.state === "ended" ? this.#record : { ...this.#record, stdout: stdout.kept, stderr: stderr.kept });
  }

  output(stream: LogStream): KeptOutput {
    return this.#parts.outputs[stream];
  }

  /** Ends it, and resolves when that was put down. Who asks first decides what it is called; a run that has ended by itself stays so. */
  async end(reason: EndReason, graceMs: number): Promise<void> {
    if (!this.#hasExited) {
      this.#reason ??= reason;
      // A second one who asks may be in more of a hurry.
      await this.#parts.running.end(graceMs);
    }
    await this.ended;
  }

  async #finish(): Promise<void> {
    const { running, outputs, now, freeBytes, onEnd } = this.#parts;
    const exit = await running.exited;
    this.#hasExited = true;
    clearTimeout(this.#timer);
    const finishedAt = now().toISOString();
    const [stdout, stderr] = await Promise.all([outputs.stdout.finish(), outputs.stderr.finish()]);
    const diskAfterBytes = freeBytes();
    const { cpuMs, peakMemoryBytes } = exit;
    this.#record = { ...this.#record, ...endOf(exit, this.#reason), state: "ended", finishedAt, stdout, stderr, diskAfterBytes, cpuMs, peakMemoryBytes };
    await onEnd(this.#record);
    await Promise.all([outputs.stdout.discardParts(), outputs.stderr.discardParts()]).catch(() => undefined);
  }
}

function endOf(exit: RunExit, reason: EndReason | null): Pick<RunRecord, "end" | "code" | "signal" | "message"> {
  const { code, signal } = exit;
  if (reason !== null) return { end: reason.end, code, signal, message: reason.message };
  if (exit.isOutOfMemory) return { end: "out-of-memory", code, signal, message: "It needed more memory than its limit." };
  return { end: signal === null ? "exited" : "signalled", code, signal, message: null };
}
