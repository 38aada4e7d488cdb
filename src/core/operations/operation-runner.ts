import { Failure } from "#contract/failure.ts";
import type { Log } from "#kit/log.ts";
import type { ClaimedOperation, OperationQueue, StepChange } from "./operation-store.ts";
import type { StepName } from "./plan.ts";
import { judgeFailure } from "./retry-policy.ts";

/** Does one step; says in a sentence what came of it, or nothing. Called again after a crash: it has to be idempotent. */
export type StepAction = (operation: ClaimedOperation, signal: AbortSignal) => Promise<string | undefined>;

/** What the runner needs. */
export interface OperationRunnerDeps {
  readonly queue: OperationQueue;
  readonly steps: Readonly<Record<StepName, StepAction>>;
  /** Puts right what a failed operation left open (visitors held back). */
  readonly abandon: (operation: ClaimedOperation) => Promise<void>;
  readonly log: Log;
  /** Unique among all runners. */
  readonly owner: string;
  readonly concurrency: number;
  readonly leaseMs: number;
  /** Longest time for one attempt at a step. */
  readonly stepTimeoutMs: number;
}

/** Longest sleep between two looks at the queue: a lost notification costs no more than this. */
const maxIdleMs = 5_000;

/** Claims operations and runs their steps in order, resuming where an earlier runner stopped. */
export class OperationRunner {
  readonly #deps: OperationRunnerDeps;
  readonly #active = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #wake: () => void = () => undefined;
  #hinted = false;
  #loop: Promise<void> | undefined;

  constructor(deps: OperationRunnerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** There may be something to do. Losing this hint costs a few seconds, nothing else. */
  hint(): void {
    this.#hinted = true;
    this.#wake();
  }

  /** Stops claiming and gives up what runs; its leases end and another runner, or this one restarted, resumes. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the worker stops"));
    this.#wake();
    await this.#loop;
    await Promise.allSettled(this.#active.values());
  }

  async #run(): Promise<void> {
    const { queue, log, owner, concurrency, leaseMs } = this.#deps;
    while (!this.#stopping.signal.aborted) {
      this.#hinted = false;
      let idleMs = maxIdleMs;
      try {
        const limit = concurrency - this.#active.size;
        // With no slot free there is nothing to ask for: whatever ends wakes this loop.
        if (limit > 0) {
          const claimed = await queue.claim({ owner, leaseMs, limit });
          for (const operation of claimed) this.#launch(operation);
          if (claimed.length > 0) continue;
          idleMs = Math.min((await queue.nextDueMs()) ?? maxIdleMs, maxIdleMs);
        }
      } catch (error) {
        log.warn({ err: error }, "the operation queue cannot be read; trying again");
        idleMs = 500;
      }
      // At least a few milliseconds: an operation that is due but blocked must not turn this into a busy loop.
      await this.#sleep(Math.max(idleMs, 20));
    }
  }

  #launch(operation: ClaimedOperation): void {
    const work = this.#execute(operation)
      .catch((error: unknown) => this.#deps.log.error({ err: error, operation: operation.id }, "operation given up for now"))
      .finally(() => {
        this.#active.delete(operation.id);
        this.hint();
      });
    this.#active.set(operation.id, work);
  }

  async #execute(operation: ClaimedOperation): Promise<void> {
    const { queue, owner, leaseMs } = this.#deps;
    const lost = new AbortController();
    const keeper = setInterval(() => {
      queue.renew(operation, owner, leaseMs).then(
        (isKept) => isKept || lost.abort(new Error("the lease was lost")),
        () => undefined,
      );
    }, leaseMs / 3);
    try {
      await this.#runSteps(operation, AbortSignal.any([lost.signal, this.#stopping.signal]));
    } finally {
      clearInterval(keeper);
    }
  }

  // That a step has ended and that the next begins are one thing to write down, as are the last one's end and the operation's.
  async #runSteps(operation: ClaimedOperation, signal: AbortSignal): Promise<void> {
    const { queue, owner } = this.#deps;
    let ended: StepChange | null = null;
    for (const [position, step] of operation.steps.entries()) {
      if (step.state === "succeeded") continue;
      const begun: StepChange = { position, state: "running", attempt: step.attempt + 1, message: null };
      if (!(await queue.saveSteps(operation, owner, ended === null ? [begun] : [ended, begun]))) return;
      ended = await this.#runStep(operation, { ...begun, name: step.name as StepName }, signal);
      if (ended === null) return;
    }
    const isKept = await queue.finish(operation, owner, { state: "succeeded", ...(ended === null ? {} : { lastStep: ended }) });
    if (isKept) this.#deps.log.info({ operation: operation.id, kind: operation.kind, site: operation.siteName }, "operation succeeded");
  }

  /** What is to be written down of a step that has succeeded; null when the operation does not go on here. */
  async #runStep(
    operation: ClaimedOperation,
    step: { readonly position: number; readonly name: StepName; readonly attempt: number },
    signal: AbortSignal,
  ): Promise<StepChange | null> {
    const { queue, owner, steps, stepTimeoutMs, log } = this.#deps;
    const { position, attempt } = step;
    try {
      const message = await steps[step.name](operation, AbortSignal.any([signal, AbortSignal.timeout(stepTimeoutMs)]));
      return { position, state: "succeeded", attempt, message: message ?? null };
    } catch (error) {
      // Stopping, or another runner has it: the row says where to go on, so nothing is recorded here.
      if (signal.aborted) return null;
      const verdict = judgeFailure(timedOut(error) ? new Failure("component_away", { component: "orchestrator" }, { cause: error }) : error, attempt);
      log.warn({ err: error, operation: operation.id, step: step.name, attempt, verdict: verdict.kind }, "step failed");
      if (verdict.kind === "retry") {
        const message = error instanceof Failure ? error.message : "something unexpected happened, see the worker's log.";
        await queue.saveSteps(operation, owner, [{ position, state: "waiting", attempt, message: `Trying again: ${message}` }]);
        await queue.postpone(operation, owner, verdict.afterMs);
        return null;
      }
      await queue.saveSteps(operation, owner, [{ position, state: "failed", attempt, message: verdict.title }]);
      await this.#deps.abandon(operation).catch((cause: unknown) => log.warn({ err: cause, operation: operation.id }, "cleaning up failed"));
      await queue.finish(operation, owner, { state: "failed", failure: { code: verdict.code, title: verdict.title } });
      return null;
    }
  }

  #sleep(ms: number): Promise<void> {
    if (this.#hinted || this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function timedOut(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || (error.cause instanceof Error && error.cause.name === "TimeoutError"));
}
