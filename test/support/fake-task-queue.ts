import { defaultRunLimits, isTaskEnded } from "#contract/task.ts";
import type { Task } from "#core/tasks/task.ts";
import type { ClaimedTask, Succession, TaskClaim, TaskOutcome, TaskQueue, TaskStart } from "#core/tasks/task-queue.ts";
import type { TaskTime } from "#core/tasks/task-time.ts";

interface Entry {
  task: ClaimedTask;
  leaseUntil: number;
}

/** A queue in memory without limits, for tests of the runner. `takeOver` plays another worker, `isAway` a database that is gone. */
export class FakeTaskQueue implements TaskQueue {
  readonly #time: TaskTime;
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new EventTarget();
  /** What was asked of it, in order: `claim`, `started a`, …. */
  readonly calls: string[] = [];
  isAway = false;
  /** Whether what waits is given to whoever ends a task. */
  claimsNext = true;
  readonly handedBack: string[] = [];
  #finishing: { readonly asked: PromiseWithResolvers<void>; readonly goOn: PromiseWithResolvers<void> } | undefined;

  constructor(time: TaskTime) {
    this.#time = time;
  }

  /** Queues a task; its uid is its name. */
  add(uid: string, changes: Partial<ClaimedTask> = {}): void {
    const at = new Date(this.#time.now());
    const task: ClaimedTask = {
      ...{ id: this.#entries.size + 1, uid, state: "queued", reason: null, site: null, program: { kind: "script", path: "ls.sh" }, arguments: [] },
      ...{ legacy: null, environmentNames: [], priority: 0, retry: { retries: 0, delaySeconds: 10, onLost: "fail" }, limits: defaultRunLimits },
      ...{ attempt: 0, createdBy: null, schedule: null, rerunOf: null, idempotencyKey: null, createdAt: at, runAt: at, startedAt: null, finishedAt: null },
      ...{ cancelRequestedAt: null, result: null, fence: 0, worker: "", sealedEnvironment: null, isStarted: false, isTakenOver: false, siteLimits: null },
      ...changes,
    };
    this.#entries.set(uid, { task, leaseUntil: 0 });
    this.#note(`add ${uid}`);
  }

  find(uid: string): ClaimedTask {
    return this.#entry(uid).task;
  }

  /** Resolves when the task is as the test wants it. */
  async until(uid: string, isSo: (task: Task) => boolean): Promise<ClaimedTask> {
    while (!isSo(this.find(uid))) await this.next();
    return this.find(uid);
  }

  untilEnded(uid: string): Promise<ClaimedTask> {
    return this.until(uid, ({ state }) => isTaskEnded(state));
  }

  /** Resolves at the next call. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#changed.addEventListener("change", () => resolve(), { once: true }));
  }

  /** Another worker claims it. */
  takeOver(uid: string): void {
    this.#change(uid, { fence: this.find(uid).fence + 1, worker: "another" });
  }

  requestCancel(uid: string): void {
    this.#change(uid, { cancelRequestedAt: new Date(this.#time.now()) });
  }

  /** The next end is under way until the test says so. */
  holdFinish(): { readonly asked: Promise<void>; goOn(): void } {
    const [asked, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#finishing = { asked, goOn };
    return { asked: asked.promise, goOn: () => goOn.resolve() };
  }

  async claim(request: TaskClaim): Promise<readonly ClaimedTask[]> {
    this.#note("claim");
    return this.#take(request);
  }

  #take(request: TaskClaim): readonly ClaimedTask[] {
    const now = this.#time.now();
    const isDue = ({ task, leaseUntil }: Entry): boolean =>
      task.state === "queued" ? task.runAt.getTime() <= now : task.state === "running" && leaseUntil <= now && task.worker !== "another";
    const due = [...this.#entries.values()].filter(isDue).slice(0, request.limit);
    return due.map((entry) => {
      const { task } = entry;
      const isTakenOver = task.state === "running";
      entry.leaseUntil = now + request.leaseMs;
      entry.task = { ...task, state: "running", worker: request.worker, fence: task.fence + 1, attempt: task.attempt + (isTakenOver ? 0 : 1), isTakenOver };
      return entry.task;
    });
  }

  async renew(
    held: readonly ClaimedTask[],
    request: { readonly leaseMs: number },
  ): Promise<{ readonly lost: readonly string[]; readonly cancelled: readonly string[] }> {
    this.#note(`renew ${held.map(({ uid }) => uid).join(" ")}`);
    const kept = held.filter((claim) => this.#holds(claim));
    for (const { uid } of kept) this.#entry(uid).leaseUntil = this.#time.now() + request.leaseMs;
    return {
      lost: held.filter((claim) => !kept.includes(claim)).map(({ uid }) => uid),
      cancelled: kept.filter(({ uid }) => this.find(uid).cancelRequestedAt !== null).map(({ uid }) => uid),
    };
  }

  async started(claim: ClaimedTask, start: TaskStart): Promise<boolean> {
    this.#note(`started ${claim.uid}`);
    if (!this.#holds(claim)) return false;
    this.#change(claim.uid, { isStarted: true, startedAt: start.startedAt });
    return true;
  }

  async finish(claim: ClaimedTask, { startedAt, finishedAt, result, verdict }: TaskOutcome): Promise<boolean> {
    this.#note(`finish ${claim.uid}`);
    if (!this.#holds(claim)) return false;
    const runAt = new Date(this.#time.now() + (verdict.kind === "retry" ? verdict.afterMs : 0));
    if (verdict.kind === "retry") this.#change(claim.uid, { state: "queued", reason: verdict.reason, runAt, isStarted: false, startedAt: null });
    else this.#change(claim.uid, { state: verdict.state, reason: verdict.reason, result, finishedAt, startedAt: startedAt ?? this.find(claim.uid).startedAt });
    return true;
  }

  async finishAndClaim(claim: ClaimedTask, outcome: TaskOutcome, request: Omit<TaskClaim, "limit">): Promise<Succession> {
    this.#finishing?.asked.resolve();
    await this.#finishing?.goOn.promise;
    const isWritten = await this.finish(claim, outcome);
    const [next = null] = this.claimsNext ? this.#take({ ...request, limit: 1 }) : [];
    return { isWritten, next };
  }

  async release(claim: ClaimedTask, request: { readonly afterMs: number; readonly reason: string }): Promise<boolean> {
    this.#note(`release ${claim.uid}`);
    if (!this.#holds(claim)) return false;
    const runAt = new Date(this.#time.now() + request.afterMs);
    const isCancelled = this.find(claim.uid).cancelRequestedAt !== null;
    this.#change(claim.uid, { state: isCancelled ? "cancelled" : "queued", reason: request.reason, attempt: claim.attempt - 1, runAt, isStarted: false });
    return true;
  }

  async handBack(held: readonly ClaimedTask[]): Promise<void> {
    this.#note("hand back");
    const still = held.filter((claim) => this.#holds(claim));
    for (const { uid } of still) this.#entry(uid).leaseUntil = this.#time.now();
    this.handedBack.push(...still.map(({ uid }) => uid));
  }

  async nextDueMs(): Promise<number | null> {
    const now = this.#time.now();
    const moments = [...this.#entries.values()].map(({ task, leaseUntil }) => (task.state === "queued" ? task.runAt.getTime() : leaseUntil));
    const next = Math.min(...moments.filter((at) => at > now));
    return Number.isFinite(next) ? next - now : null;
  }

  #holds(claim: ClaimedTask): boolean {
    const { task } = this.#entry(claim.uid);
    return task.state === "running" && task.fence === claim.fence && task.worker === claim.worker;
  }

  #change(uid: string, changes: Partial<ClaimedTask>): void {
    const entry = this.#entry(uid);
    entry.task = { ...entry.task, ...changes };
    this.#changed.dispatchEvent(new Event("change"));
  }

  #note(call: string): void {
    if (this.isAway) throw new Error("the database is away");
    this.calls.push(call);
    this.#changed.dispatchEvent(new Event("change"));
  }

  #entry(uid: string): Entry {
    const entry = this.#entries.get(uid);
    if (entry === undefined) throw new Error(`there is no task ${uid}`);
    return entry;
  }
}
