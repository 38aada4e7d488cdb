import { Failure } from "#contract/failure.ts";
import * as api from "#contract/internal/runs.ts";
import type { RunHolder } from "#core/nodes/fleet.ts";
import type { ForgetReply, RunHost, RunReply } from "#core/tasks/run-host.ts";
import type { ClaimedTask } from "#core/tasks/task-queue.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";
import type { Seal } from "#kit/seal.ts";
import { replyOf, runSpecOf } from "./run-spec.ts";

/** What asking the orchestrator for runs needs. */
export interface RunHostDeps {
  readonly orchestrator: ComponentClient;
  /** Decides where an attempt goes that nobody has asked for yet; absent where there is no choice. */
  readonly place?: (run: { readonly uid: string; readonly attempt: number; readonly siteId: number | null }) => Promise<void>;
  /** Whoever may keep something of a run; absent where there is no choice. */
  readonly holders?: (uid: string) => Promise<readonly RunHolder[]>;
  /** Nobody will ask for the run any more. */
  readonly unplace?: (uid: string) => Promise<void>;
  /** For the purpose `task environment`. */
  readonly seal: Pick<Seal, "open">;
  readonly log: Log;
  /** How long a process tree has between being asked to end and being ended. */
  readonly graceMs: number;
}

/** How long a start may take to be answered. */
const putTimeoutMs = 30_000;
/** What ends as fast as this costs one question and one answer, and one statement less. A busy machine takes a while over the shortest script. */
const shortRunMs = 250;
/** How long one question for a run's end waits. */
const followMs = 30_000;
/** Beyond what an answer takes by itself. */
const marginMs = 10_000;

/** Runs on this installation's orchestrator. */
export class OrchestratorRunHost implements RunHost {
  readonly #deps: RunHostDeps;
  /** Claims whose place was decided: asked again, the same orchestrator is asked. */
  readonly #placed = new WeakSet<ClaimedTask>();

  constructor(deps: RunHostDeps) {
    this.#deps = deps;
  }

  async put(task: ClaimedTask, signal: AbortSignal): Promise<RunReply> {
    let body: api.RunSpec;
    try {
      body = runSpecOf(task, this.#deps.seal);
    } catch (error) {
      this.#deps.log.error({ err: error, task: task.uid }, "a task's environment cannot be opened");
      return { kind: "refused", reason: "Its environment cannot be read any more: it was kept under another key." };
    }
    try {
      await this.#place(task);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { kind: "unreached", reason: error.message };
    }
    return this.#ask(signal, putTimeoutMs, (limit) =>
      this.#deps.orchestrator.call(api.putRun, { params: { uid: task.uid }, query: { waitMs: shortRunMs }, body, signal: limit }),
    );
  }

  async follow(task: ClaimedTask, signal: AbortSignal): Promise<RunReply> {
    return this.#ask(signal, followMs + marginMs, (limit) =>
      this.#deps.orchestrator.call(api.awaitRun, { params: { uid: task.uid }, query: { waitMs: followMs }, signal: limit }),
    );
  }

  async cancel(task: Pick<ClaimedTask, "uid" | "attempt">, signal: AbortSignal): Promise<RunReply> {
    const { graceMs } = this.#deps;
    const body = { attempt: task.attempt, graceMs, end: "cancelled" } as const;
    return this.#ask(signal, graceMs + marginMs, (limit) => this.#deps.orchestrator.call(api.cancelRun, { params: { uid: task.uid }, body, signal: limit }));
  }

  async forget(uid: string, signal: AbortSignal): Promise<ForgetReply> {
    try {
      // The last attempt comes last: its output can be read as long as anything else is left.
      for (const holder of await this.#holders(uid)) await this.#forgetAt(holder, uid, signal);
      await this.#deps.unplace?.(uid);
      return "forgotten";
    } catch (error) {
      if (isRunning(error)) return "running";
      if (error instanceof Failure || signal.aborted) return "away";
      throw error;
    }
  }

  async #holders(uid: string): Promise<readonly RunHolder[]> {
    return (await this.#deps.holders?.(uid)) ?? [{ client: this.#deps.orchestrator, attempt: null }];
  }

  async #forgetAt({ client, attempt }: RunHolder, uid: string, signal: AbortSignal): Promise<void> {
    try {
      await client.call(api.forgetRun, { params: { uid }, signal });
    } catch (error) {
      if (!isRunning(error) || attempt === null) throw error;
      const body = { attempt, graceMs: this.#deps.graceMs, end: "cancelled" } as const;
      // An attempt that was given up while its host was silent goes on for nobody. Whoever sweeps next sees whether it has ended.
      client.call(api.cancelRun, { params: { uid }, body, signal }).catch((err: unknown) => this.#deps.log.debug({ err, uid }, "a run could not be ended"));
      throw error;
    }
  }

  // What somebody may have asked for already stays where that was.
  async #place(task: ClaimedTask): Promise<void> {
    const { place } = this.#deps;
    if (place === undefined || task.isStarted || task.isTakenOver || this.#placed.has(task)) return;
    await place({ uid: task.uid, attempt: task.attempt, siteId: task.site?.id ?? null });
    this.#placed.add(task);
  }

  async #ask(signal: AbortSignal, timeoutMs: number, call: (limit: AbortSignal) => Promise<api.RunView>): Promise<RunReply> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      return { kind: "run", run: runOf(await call(limit)) };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Failure) && !limit.aborted) this.#deps.log.error({ err: error }, "the orchestrator's answer makes no sense");
      return replyOf(error);
    }
  }
}

/** What an orchestrator says when it is to forget a run that has not ended. */
function isRunning(error: unknown): boolean {
  return error instanceof Failure && error.code === "input_invalid";
}

function runOf(view: api.RunView) {
  const { end, code, signal, diskBeforeBytes, diskAfterBytes, cpuMs, peakMemoryBytes, stdoutBytes, stderrBytes, isOutputCut } = view;
  const startedAt = dateOf(view.startedAt);
  if (view.state === "running") return { state: "running", startedAt, diskBeforeBytes } as const;
  const result = { end: end ?? "lost", code, signal, diskBeforeBytes, diskAfterBytes, cpuMs, peakMemoryBytes, stdoutBytes, stderrBytes, isOutputCut };
  return { state: "ended", startedAt, finishedAt: dateOf(view.finishedAt) ?? new Date(), result, message: view.message } as const;
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
