import type { Log } from "#kit/log.ts";
import { backOffMs } from "#kit/retry.ts";
import { judgeAttempt } from "./judge-attempt.ts";
import type { LostRuns } from "./lost-runs.ts";
import type { HostRun, RunHost, RunReply } from "./run-host.ts";
import type { TaskResult } from "./task.ts";
import type { TaskMeter } from "./task-meter.ts";
import type { ClaimedTask, Succession, TaskClaim, TaskOutcome, TaskQueue } from "./task-queue.ts";
import type { TaskTime } from "./task-time.ts";

/** What following a task needs. */
export interface AttemptDeps {
  readonly queue: Pick<TaskQueue, "started" | "finish" | "finishAndClaim" | "release">;
  readonly host: RunHost;
  readonly lost: Pick<LostRuns, "add">;
  readonly time: TaskTime;
  readonly log: Log;
  /** How long a host that may have started a run may be silent before the run counts as lost. */
  readonly runLostMs: number;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly meter?: Pick<TaskMeter, "noteEnd">;
  /** What is to be claimed in its place when it ends; null: nothing. */
  readonly successor?: () => Omit<TaskClaim, "limit"> | null;
}

/** What came of a claim: it ended, it was given back since nothing can be started now, or it is another's (or nobody's) now. */
export type AttemptOutcome = "ended" | "released" | "let go";

type EndedRun = Extract<HostRun, { state: "ended" }>;

const askAgain = { firstMs: 100, mostMs: 2_000 };
const releaseBackOff = { firstMs: 500, mostMs: 30_000 };

const nothingMeasured: Omit<TaskResult, "end"> = {
  ...{ code: null, signal: null, diskBeforeBytes: null, diskAfterBytes: null, cpuMs: null, peakMemoryBytes: null },
  ...{ stdoutBytes: 0, stderrBytes: 0, isOutputCut: false },
};

/** One claim of a task, from asking for its start, or finding its run again, to the written result. */
export class TaskAttempt {
  readonly claim: ClaimedTask;
  readonly #deps: AttemptDeps;
  readonly #letGo = new AbortController();
  /** The host has answered that there is a run. */
  #isStarted: boolean;
  /** Somebody may have asked for the start without hearing an answer. */
  #isInDoubt: boolean;
  #isCancelRequested: boolean;
  #cancelling: Promise<void> | undefined;
  #heardAt: number;
  #silences = 0;
  #next: ClaimedTask | null = null;

  constructor(deps: AttemptDeps, claim: ClaimedTask) {
    this.#deps = deps;
    this.claim = claim;
    this.#isStarted = claim.isStarted;
    this.#isInDoubt = claim.isTakenOver;
    this.#isCancelRequested = claim.cancelRequestedAt !== null;
    this.#heardAt = deps.time.now();
  }

  /** What was claimed in its place when it ended. */
  get next(): ClaimedTask | null {
    return this.#next;
  }

  /** Somebody wants it to end. Said again, it is asked again. */
  cancel(): void {
    this.#isCancelRequested = true;
    if (this.#isStarted) this.#cancelRun();
  }

  /** Stops following; the run, if there is one, goes on. */
  letGo(): void {
    this.#letGo.abort(new Error("the task was let go"));
  }

  /** Follows the run to its end. Never rejects but for a bug. */
  async run(): Promise<AttemptOutcome> {
    const { signal } = this.#letGo;
    if (this.#isStarted && this.#isCancelRequested) this.#cancelRun();
    while (!signal.aborted) {
      const reply = await this.#ask().catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      });
      const outcome = reply === undefined ? undefined : await this.#hear(reply);
      if (outcome !== undefined) return outcome;
    }
    return "let go";
  }

  #ask(): Promise<RunReply> {
    const { host } = this.#deps;
    if (this.#isStarted) return host.follow(this.claim, this.#letGo.signal);
    // What is to be cancelled is not started for that; if it was, by an earlier claim or an unheard answer, it is ended.
    if (this.#isCancelRequested) return host.cancel(this.claim, this.#letGo.signal);
    return host.put(this.claim, this.#letGo.signal);
  }

  /** Does what an answer calls for; undefined: ask on. */
  async #hear(reply: RunReply): Promise<AttemptOutcome | undefined> {
    if (reply.kind !== "away" && reply.kind !== "unreached") this.#heardAt = this.#deps.time.now();
    // One that is busy is there, but is asked less and less often all the same.
    if (reply.kind === "run") this.#silences = 0;
    switch (reply.kind) {
      case "run":
        return reply.run.state === "ended" ? this.#end(reply.run) : this.#noteStart(reply.run);
      case "unknown":
        if (this.#isStarted) return this.#endWithout("lost", "The machine that ran it knows nothing of it any more.");
        return this.#endWithout("cancelled", null);
      case "superseded":
        return this.#endWithout("lost", "A later attempt was started elsewhere.");
      case "refused":
        return this.#isStarted ? this.#wait(reply.reason) : this.#endWithout("refused", reply.reason);
      case "busy":
        // What runs is never given back: whoever claimed it next would take it for a task that was not begun.
        return this.#isStarted ? this.#wait(reply.reason) : this.#release(reply.reason);
      case "unreached":
        return this.#isStarted || this.#isInDoubt ? this.#wait(reply.reason) : this.#release(reply.reason);
      case "away":
        this.#isInDoubt = true;
        return this.#wait(reply.reason);
    }
  }

  async #noteStart(run: Extract<HostRun, { state: "running" }>): Promise<undefined> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    if (this.#isCancelRequested) this.#cancelRun();
    const { queue, log, time } = this.#deps;
    // Not waited for: what comes next is to follow the run, and the result carries the start again.
    queue.started(this.claim, { startedAt: run.startedAt ?? new Date(time.now()), diskBeforeBytes: run.diskBeforeBytes }).then(
      (isHeld) => isHeld || this.letGo(),
      (error: unknown) => log.warn({ err: error, task: this.claim.uid }, "the start of a task could not be written down"),
    );
  }

  #cancelRun(): void {
    this.#cancelling ??= this.#deps.host
      .cancel(this.claim, this.#letGo.signal)
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        this.#cancelling = undefined;
      });
  }

  /** Nobody answers: what runs there may still be running. */
  async #wait(reason: string): Promise<AttemptOutcome | undefined> {
    const { time, runLostMs } = this.#deps;
    // The clock may have been set back since.
    this.#heardAt = Math.min(this.#heardAt, time.now());
    const silentMs = time.now() - this.#heardAt;
    if (silentMs >= runLostMs) {
      const outcome = await this.#endWithout("lost", `The machine that ran it was lost: ${reason}`);
      // It may be back one day, with the run still going on.
      if (outcome === "ended") this.#deps.lost.add(this.claim);
      return outcome;
    }
    this.#silences += 1;
    await time.sleep(Math.min(backOffMs(this.#silences, askAgain), runLostMs - silentMs), this.#letGo.signal);
    return undefined;
  }

  /** Gives back what was certainly not started. A task that was given back often waits longer: its fence tells. */
  async #release(reason: string): Promise<AttemptOutcome> {
    const afterMs = backOffMs(this.claim.fence - this.claim.attempt + 1, releaseBackOff);
    await this.#write(() => this.#deps.queue.release(this.claim, { afterMs, reason }));
    return "released";
  }

  #endWithout(end: "lost" | "refused" | "cancelled", message: string | null): Promise<AttemptOutcome> {
    const finishedAt = new Date(this.#deps.time.now());
    return this.#end({ state: "ended", startedAt: null, finishedAt, result: { end, ...nothingMeasured }, message });
  }

  async #end(run: EndedRun): Promise<AttemptOutcome> {
    const { random, log } = this.#deps;
    const { startedAt, finishedAt, result, message } = run;
    const verdict = judgeAttempt(this.claim, { result, message, isCancelRequested: this.#isCancelRequested, random: random() });
    const written = await this.#write(() => this.#finish({ startedAt, finishedAt, result, verdict }));
    this.#next = written?.next ?? null;
    if (written?.isWritten !== true) return "let go";
    this.#deps.meter?.noteEnd(result.end);
    // Its row says the same, for as long as tasks are kept.
    log.debug({ task: this.claim.uid, attempt: this.claim.attempt, end: result.end, verdict: verdict.kind }, "task attempt ended");
    return "ended";
  }

  async #finish(outcome: TaskOutcome): Promise<Succession> {
    const { queue, successor } = this.#deps;
    const request = outcome.verdict.kind === "end" ? (successor?.() ?? null) : null;
    if (request !== null) return queue.finishAndClaim(this.claim, outcome, request);
    return { isWritten: await queue.finish(this.claim, outcome), next: null };
  }

  /** Writes until it is written, as long as the task is held; undefined when it was let go meanwhile. */
  async #write<Written>(write: () => Promise<Written>): Promise<Written | undefined> {
    const { time, log } = this.#deps;
    for (let failures = 1; ; failures++) {
      try {
        return await write();
      } catch (error) {
        if (this.#letGo.signal.aborted) return undefined;
        log.warn({ err: error, task: this.claim.uid }, "what became of a task could not be written down; trying again");
      }
      await time.sleep(backOffMs(failures, askAgain), this.#letGo.signal);
      if (this.#letGo.signal.aborted) return undefined;
    }
  }
}
