import type { Log } from "#kit/log.ts";
import { backOffMs } from "#kit/retry.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { LostRuns } from "./lost-runs.ts";
import type { RunHost } from "./run-host.ts";
import { type AttemptOutcome, TaskAttempt } from "./task-attempt.ts";
import type { TaskMeter } from "./task-meter.ts";
import type { ClaimedTask, TaskClaim, TaskQueue } from "./task-queue.ts";
import type { TaskTime } from "./task-time.ts";
import type { TaskWakeups, WakeupAnswer } from "./task-wakeups.ts";

/** What the runner needs. */
export interface TaskRunnerDeps {
  readonly queue: TaskQueue;
  readonly host: RunHost;
  readonly wakeups: TaskWakeups;
  readonly time: TaskTime;
  readonly log: Log;
  /** Unique among all runners. */
  readonly worker: string;
  readonly concurrency: number;
  /** The most tasks that run at once in one site, counted over all workers. */
  readonly perSite: number;
  /** The most tasks that run at once in sites on behalf of one member, counted over all workers. */
  readonly perPerson?: number;
  readonly leaseMs: number;
  /** How long a host that may have started a run may be silent before the run counts as lost. */
  readonly runLostMs: number;
  /** Two claims do not come closer than this while something runs. */
  readonly gatherMs?: number;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly meter?: TaskMeter;
}

/** Longest sleep between two looks at the queue: a lost wake-up costs no more than this. */
const pollMs = 2_000;
/** When the next task falls due is asked again so often although nobody has said anything: a lost wake-up may have changed it. */
const mostDueKnownMs = 10_000;
/** A claim costs as much of the database as the rest of a short task. */
const usualGatherMs = 5;
/** A host that can start nothing now is left alone for so long. */
const hostBackOff = { firstMs: 200, mostMs: 5_000 };
const databaseBackOff = { firstMs: 100, mostMs: 2_000 };

/** Given as the reason: without one, each abort makes an error with a stack. */
const hinted = new Error("look again");

/** Claims tasks, has their runs started, and follows each to its end. */
export class TaskRunner {
  readonly #deps: TaskRunnerDeps;
  readonly #held = new Map<string, { readonly attempt: TaskAttempt; readonly done: Promise<void> }>();
  readonly #keeper: LeaseKeeper;
  readonly #lost: LostRuns;
  readonly #stopping = new AbortController();
  /** Those who said that tasks may wait, and want to know when that was looked at. */
  #askers: PromiseWithResolvers<WakeupAnswer>[] = [];
  #hint = new AbortController();
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** When the next task falls due, as far as is known, and until when that is believed. */
  #due = { at: 0, believedUntil: Number.NEGATIVE_INFINITY };
  #pausedUntil = 0;
  #refusals = 0;
  #failures = 0;
  #loop: Promise<void> | undefined;

  constructor(deps: TaskRunnerDeps) {
    this.#deps = deps;
    this.#lost = new LostRuns(deps);
    this.#keeper = new LeaseKeeper({ ...deps, held: () => [...this.#held.values()].map(({ attempt }) => attempt) });
  }

  async start(): Promise<void> {
    this.#loop ??= this.#run();
    this.#keeper.start();
    await this.#deps.wakeups.start(() => this.#wakeUp());
  }

  /** How many tasks it holds now. */
  get running(): number {
    return this.#held.size;
  }

  /** Looks at the queue now, and at what is held: something may have been said while nobody listened. */
  hint(): void {
    this.#hint.abort(hinted);
    this.#keeper.hint();
  }

  /** This task is to be cancelled, perhaps by this runner. */
  cancel(uid: string): void {
    this.#held.get(uid)?.attempt.cancel();
  }

  /** Stops claiming and following. Runs go on, and another worker follows them at once. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the worker stops"));
    this.#hint.abort(hinted);
    this.#lost.stop();
    for (const asker of this.#askers.splice(0)) asker.reject(new Error("the worker stops"));
    await Promise.all([this.#deps.wakeups.stop(), this.#loop, this.#keeper.stop()]);
    for (const { attempt } of this.#held.values()) attempt.letGo();
    await Promise.all([...this.#held.values()].map(({ done }) => done));
    // Looked at now: one that ended meanwhile may have brought another.
    await this.#deps.queue
      .handBack([...this.#held.values()].map(({ attempt }) => attempt.claim))
      .catch((error: unknown) => this.#deps.log.warn({ err: error }, "tasks could not be handed back; others follow them when their leases end"));
  }

  #wakeUp(): Promise<WakeupAnswer> {
    if (this.#stopping.signal.aborted) return Promise.reject(new Error("the worker stops"));
    const asker = Promise.withResolvers<WakeupAnswer>();
    this.#askers.push(asker);
    this.#hint.abort(hinted);
    return asker.promise;
  }

  async #run(): Promise<void> {
    const { time } = this.#deps;
    while (!this.#stopping.signal.aborted) {
      await this.#gather();
      if (this.#hint.signal.aborted) this.#forgetDue();
      // Made before looking: a hint that comes while this looks is not lost.
      this.#hint = new AbortController();
      const pauseMs = this.#pauseMs();
      const idleMs = pauseMs > 0 ? this.#haveNoRoom(pauseMs) : await this.#look();
      const wait = AbortSignal.any([this.#hint.signal, this.#stopping.signal]);
      await time.sleep(idleMs, wait);
    }
  }

  /** While short tasks end one after the other, one claim takes what several of them have left. Whoever has nothing to do looks at once. */
  async #gather(): Promise<void> {
    const { time, gatherMs = usualGatherMs } = this.#deps;
    // The clock may have been set back since.
    const restMs = Math.min(this.#lookedAt + gatherMs - time.now(), gatherMs);
    this.#lookedAt = time.now();
    if (restMs <= 0 || this.#held.size === 0) return;
    await time.sleep(restMs, this.#stopping.signal);
    this.#lookedAt = time.now();
  }

  /** Claims what there is room for; gives how long nothing more is to be expected. */
  async #look(): Promise<number> {
    const { queue, concurrency, log } = this.#deps;
    const room = concurrency - this.#held.size;
    if (room <= 0) return this.#haveNoRoom(pollMs);
    const askers = this.#askers.splice(0);
    try {
      const claimed = await queue.claim({ ...this.#request(), limit: room });
      this.#failures = 0;
      for (const claim of claimed) this.#launch(claim);
      for (const asker of askers) asker.resolve({ hasRoom: this.#held.size < concurrency, claimed: claimed.length });
      if (claimed.length > 0) this.#forgetDue();
      if (claimed.length >= room) return pollMs;
      // At least a few milliseconds: one that is due but held by a limit must not turn this into a busy loop.
      return Math.max(Math.min(await this.#untilDue(), pollMs), 10);
    } catch (error) {
      // Whoever asked goes on waiting: nothing was looked at yet.
      this.#askers.unshift(...askers.filter(() => !this.#stopping.signal.aborted));
      this.#failures += 1;
      this.#forgetDue();
      log.warn({ err: error }, "the queue of tasks cannot be read; trying again");
      return backOffMs(this.#failures, databaseBackOff);
    }
  }

  #forgetDue(): void {
    this.#due = { at: 0, believedUntil: Number.NEGATIVE_INFINITY };
  }

  /** The claim before has looked at what is due. When more will be is not asked each time: while nothing happens that stays as it is. */
  async #untilDue(): Promise<number> {
    const { queue, time } = this.#deps;
    const { at, believedUntil } = this.#due;
    if (time.now() >= Math.min(at, believedUntil) || believedUntil - time.now() > mostDueKnownMs) {
      const ms = (await queue.nextDueMs()) ?? Number.POSITIVE_INFINITY;
      this.#due = { at: time.now() + ms, believedUntil: time.now() + mostDueKnownMs };
    }
    return this.#due.at - time.now();
  }

  #request(): Omit<TaskClaim, "limit"> {
    const { worker, concurrency, perSite, perPerson, leaseMs } = this.#deps;
    // However many members wait: one place is for the installation's own tasks.
    return { worker, leaseMs, perSite, ...(perPerson === undefined ? {} : { perPerson }), ofMembers: Math.max(concurrency - 1, 1) };
  }

  /** Null when nothing more is to be started here now. */
  #successor(): Omit<TaskClaim, "limit"> | null {
    return this.#stopping.signal.aborted || this.#pauseMs() > 0 ? null : this.#request();
  }

  #haveNoRoom(idleMs: number): number {
    for (const asker of this.#askers.splice(0)) asker.resolve({ hasRoom: false, claimed: 0 });
    return idleMs;
  }

  #launch(claim: ClaimedTask): void {
    // One whose worker was lost has waited before.
    if (!claim.isTakenOver) this.#deps.meter?.noteClaim(claim, this.#deps.time.now());
    const attempt = new TaskAttempt({ ...this.#deps, lost: this.#lost, successor: () => this.#successor() }, claim);
    // A claim that the database forgot in a crash, or a lease that ended unnoticed, comes back to the same worker.
    this.#held.get(claim.uid)?.attempt.letGo();
    const done = attempt
      .run()
      .then((outcome) => this.#heed(outcome))
      .catch((error: unknown) => this.#deps.log.error({ err: error, task: claim.uid }, "a task was given up; it goes on when its lease ends"))
      .finally(() => {
        // On the way out everything stays listed, to be handed back.
        if (this.#stopping.signal.aborted) return this.#keepSuccessor(attempt);
        if (this.#held.get(claim.uid)?.attempt === attempt) this.#held.delete(claim.uid);
        if (attempt.next !== null) {
          this.#deps.wakeups.spent?.();
          return this.#launch(attempt.next);
        }
        this.#hint.abort(hinted);
        if (this.#pauseMs() <= 0) this.#deps.wakeups.resume();
      });
    this.#held.set(claim.uid, { attempt, done });
  }

  /** What was claimed while this stopped is not begun, but handed back with the rest. */
  #keepSuccessor({ next }: TaskAttempt): void {
    if (next === null) return;
    this.#held.set(next.uid, { attempt: new TaskAttempt({ ...this.#deps, lost: this.#lost }, next), done: Promise.resolve() });
  }

  /** How long the host is to be left alone; never for longer than that is ever done, however far the clock was set back. */
  #pauseMs(): number {
    const now = this.#deps.time.now();
    this.#pausedUntil = Math.min(this.#pausedUntil, now + hostBackOff.mostMs);
    return this.#pausedUntil - now;
  }

  /** A host that can start nothing now would send back every task of the queue, one after the other. */
  #heed(outcome: AttemptOutcome): void {
    const { time, wakeups } = this.#deps;
    if (outcome === "ended") this.#refusals = 0;
    if (outcome !== "released") return;
    this.#refusals += 1;
    const pauseMs = backOffMs(this.#refusals, hostBackOff);
    this.#pausedUntil = Math.max(this.#pausedUntil, time.now() + pauseMs);
    void time.sleep(pauseMs, this.#stopping.signal).then(() => {
      if (this.#stopping.signal.aborted) return;
      wakeups.resume();
      this.#hint.abort(hinted);
    });
  }
}
