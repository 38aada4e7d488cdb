import type { RunEnd } from "#contract/task.ts";
import type { ForgetReply, HostRun, RunHost, RunReply } from "#core/tasks/run-host.ts";
import type { ClaimedTask } from "#core/tasks/task-queue.ts";

/** A host whose runs end when the test says so. It starts an attempt once, as the orchestrator does. */
export class ScriptedRunHost implements RunHost {
  readonly #runs = new Map<string, { attempt: number; run: HostRun; readonly waiting: Set<() => void> }>();
  /** Every start, as `uid attempt`. */
  readonly starts: string[] = [];
  /** Every question, as `put a`, `follow a`, `cancel a`. */
  readonly asked: string[] = [];
  /** Answers instead of doing anything. */
  answer: ((question: string) => RunReply | undefined) | undefined;
  /** Starts, but the answer is lost. */
  losesAnswers = false;
  /** Runs end within their start. */
  endsAtOnce = false;

  async put(task: ClaimedTask): Promise<RunReply> {
    this.asked.push(`put ${task.uid}`);
    const answer = this.answer?.(`put ${task.uid}`);
    if (answer !== undefined) return answer;
    const known = this.#runs.get(task.uid);
    if (known !== undefined && known.attempt > task.attempt) return { kind: "superseded" };
    if (known?.attempt !== task.attempt) {
      this.starts.push(`${task.uid} ${task.attempt}`);
      this.#runs.set(task.uid, { attempt: task.attempt, run: { state: "running", startedAt: new Date(0), diskBeforeBytes: 1 }, waiting: new Set() });
      if (this.endsAtOnce) this.end(task.uid);
    }
    return this.losesAnswers ? { kind: "away", reason: "no answer" } : this.#reply(task.uid);
  }

  async follow(task: ClaimedTask, signal: AbortSignal): Promise<RunReply> {
    this.asked.push(`follow ${task.uid}`);
    const answer = this.answer?.(`follow ${task.uid}`);
    if (answer !== undefined) return answer;
    const known = this.#runs.get(task.uid);
    if (known?.run.state === "running") {
      await new Promise<void>((resolve, reject) => {
        known.waiting.add(resolve);
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    }
    return this.#reply(task.uid);
  }

  async cancel(task: Pick<ClaimedTask, "uid" | "attempt">): Promise<RunReply> {
    this.asked.push(`cancel ${task.uid}`);
    const answer = this.answer?.(`cancel ${task.uid}`);
    if (answer !== undefined) return answer;
    if (this.#runs.get(task.uid)?.run.state === "running") this.end(task.uid, { end: "cancelled", code: null, signal: "SIGTERM" });
    return this.#reply(task.uid);
  }

  async forget(uid: string): Promise<ForgetReply> {
    if (this.#runs.get(uid)?.run.state === "running") return "running";
    this.#runs.delete(uid);
    return "forgotten";
  }

  /** The run ends. */
  end(uid: string, { end = "exited" as RunEnd, code = 0 as number | null, signal = null as string | null } = {}): void {
    const known = this.#runs.get(uid);
    if (known === undefined) throw new Error(`${uid} was not started`);
    const result = {
      end,
      code,
      signal,
      diskBeforeBytes: 1,
      diskAfterBytes: 1,
      cpuMs: 1,
      peakMemoryBytes: 1,
      stdoutBytes: 0,
      stderrBytes: 0,
      isOutputCut: false,
    };
    known.run = { state: "ended", startedAt: new Date(0), finishedAt: new Date(1000), result, message: null };
    for (const wake of known.waiting) wake();
  }

  /** Whoever follows hears that nobody is there any more; nothing is answered until `answer` is taken away. */
  goAway(reply: RunReply = { kind: "away", reason: "no answer" }): void {
    this.answer = () => reply;
    for (const { waiting } of this.#runs.values()) for (const wake of waiting) wake();
  }

  /** As after its disk was replaced. */
  forgetAll(): void {
    const waiting = [...this.#runs.values()].flatMap((known) => [...known.waiting]);
    this.#runs.clear();
    for (const wake of waiting) wake();
  }

  #reply(uid: string): RunReply {
    const known = this.#runs.get(uid);
    if (this.answer !== undefined) return this.answer("") ?? { kind: "unknown" };
    return known === undefined ? { kind: "unknown" } : { kind: "run", run: known.run };
  }
}
