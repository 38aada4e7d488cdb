import { Failure } from "#contract/failure.ts";
import type { RunSpec, RunView } from "#contract/internal/runs.ts";
import type { LogStream } from "#contract/task.ts";
import type { Clock } from "#kit/clock.ts";
import { codeOf } from "#kit/jail/descriptor.ts";
import type { Log } from "#kit/log.ts";
import type { RunningRun } from "#orchestrator/runtime/run.ts";
import type { SiteRuntime } from "#orchestrator/runtime/site-runtime.ts";
import { Lanes } from "#orchestrator/sites/lane.ts";
import { type Append, KeptOutput, recoverOutput } from "./kept-output.ts";
import { type EndReason, LiveRun } from "./live-run.ts";
import { OutputPace } from "./output-pace.ts";
import { finishedSource, growingSource, type OutputSource } from "./read-output.ts";
import type { RunFiles } from "./run-files.ts";
import { endOfFailedStart, planRun, type RunHost, type RunPlan, whyNothingRuns } from "./run-plan.ts";
import { newRecord, type RunRecord, viewOf } from "./run-record.ts";
import type { RunStore } from "./run-store.ts";
import { freeBytesOf, pacedOutput, UnsavedEnds } from "./run-upkeep.ts";

export interface RunBookDeps {
  readonly store: RunStore;
  readonly files: RunFiles;
  readonly host: RunHost;
  readonly runtime: SiteRuntime;
  readonly clock: Clock;
  readonly log: Log;
  /** The most runs at once. */
  readonly atOnce: number;
  /** A run in this site has ended: its files may be others now. */
  readonly onSiteChanged?: (siteId: number) => void;
  readonly append?: Append;
}

/** A run that goes on for so long is noted with its process. */
const noteAfterMs = 500;
/** What an attempt has to end well when a later one takes its place. */
const supersededGraceMs = 2_000;

/** Every run of this orchestrator: each attempt of a uid is started at most once, whatever is repeated and whoever dies. */
export class RunBook {
  readonly #deps: RunBookDeps;
  readonly #live = new Map<string, LiveRun>();
  readonly #unsaved: UnsavedEnds;
  readonly #pace: OutputPace;
  // What is asked of one uid comes one after the other.
  readonly #lanes = new Lanes<string>();
  /** What is being started, by its site. */
  readonly #starting = new Map<Promise<unknown>, number | null>();
  readonly #wasActive = new Set<number>();
  #isClosed = false;

  private constructor(deps: RunBookDeps) {
    this.#deps = deps;
    this.#unsaved = new UnsavedEnds(deps.store, deps.log);
    this.#pace = new OutputPace(deps.clock);
  }

  /** To be called when nothing of an earlier orchestrator runs any more: what it did not end is lost. */
  static async open(deps: RunBookDeps): Promise<RunBook> {
    const book = new RunBook(deps);
    for (const record of await deps.store.interrupted()) await book.#declareLost(record);
    return book;
  }

  /** Sites in which something runs, or did since this was last asked: many short runs fill a disk as well as a long one. */
  takeActiveSites(): readonly number[] {
    const active = [...this.#live.values()].flatMap((run) => (run.siteId === null ? [] : [run.siteId]));
    const all = [...new Set([...active, ...this.#wasActive])];
    this.#wasActive.clear();
    return all;
  }

  /** Sites in which something runs now. */
  liveSites(): readonly number[] {
    return [...this.#live.values()].flatMap((run) => (run.siteId === null ? [] : [run.siteId]));
  }

  /** Starts an attempt unless it was started already, and tells what became of it. @throws {Failure} `run_superseded`, `machine_full` */
  put(uid: string, spec: RunSpec): Promise<RunView> {
    return this.#lanes.run(uid, async () => {
      const live = this.#live.get(uid);
      const known = live?.view ?? (await this.#ended(uid));
      if (known !== undefined && known.attempt > spec.attempt) throw new Failure("run_superseded");
      if (known?.attempt === spec.attempt) return live?.view ?? known;
      if (this.#isClosed) throw new Failure("component_away", { component: "orchestrator" });
      await live?.end({ end: "cancelled", message: "A later attempt took its place." }, supersededGraceMs);
      if (this.#live.size + this.#starting.size >= this.#deps.atOnce) throw new Failure("machine_full");
      const starting = this.#start(uid, spec, known?.attempt ?? null);
      this.#starting.set(starting, spec.siteId);
      try {
        return await starting;
      } finally {
        this.#starting.delete(starting);
      }
    });
  }

  /** The run, when it has ended or after `waitMs`. @throws {Failure} `run_not_found` */
  async await(uid: string, waitMs: number, signal: AbortSignal): Promise<RunView> {
    const live = this.#live.get(uid);
    if (live === undefined) return this.#known(uid);
    if (waitMs > 0) await endedOrLate(live, waitMs, signal);
    return live.view;
  }

  /** Ends an attempt, whole tree, and tells what became of it. @throws {Failure} `run_not_found` */
  async cancel(uid: string, given: { readonly attempt: number; readonly graceMs: number; readonly end: "cancelled" | "timed-out" }): Promise<RunView> {
    // Whoever cancels what is just being started waits for the start.
    const live = await this.#lanes.run(uid, async () => this.#live.get(uid));
    if (live === undefined) return this.#known(uid);
    // An earlier attempt has ended: a later one took its place.
    if (live.attempt === given.attempt) await live.end({ end: given.end, message: null }, given.graceMs);
    return live.view;
  }

  /** Deletes what is kept of a run that has ended. */
  forget(uid: string): Promise<void> {
    return this.#lanes.run(uid, async () => {
      if (this.#live.has(uid)) throw new Failure("input_invalid", { detail: "the run has not ended." });
      const record = this.#unsaved.get(uid) ?? (await this.#deps.store.ended(uid));
      if (record === undefined) return;
      await this.#deps.files.remove(uid, record.attempt);
      this.#unsaved.delete(uid);
      await this.#deps.store.forget(uid);
    });
  }

  /** @throws {Failure} `run_not_found` */
  async output(uid: string, stream: LogStream): Promise<OutputSource> {
    const live = this.#live.get(uid);
    if (live !== undefined) return growingSource(live.output(stream));
    const record = this.#unsaved.get(uid) ?? (await this.#deps.store.ended(uid));
    if (record === undefined) throw new Failure("run_not_found");
    return finishedSource(this.#deps.files.log(uid, stream), record[stream]);
  }

  /** Ends everything that runs in a site. */
  async endSite(siteId: number, message: string): Promise<void> {
    await this.#endAll((run) => run.siteId === siteId, { end: "cancelled", message }, supersededGraceMs);
    // What is being started looks once more whether it may, and ends itself.
    await Promise.allSettled([...this.#starting].flatMap(([starting, site]) => (site === siteId ? [starting] : [])));
  }

  /** Ends everything: a run does not outlive its orchestrator. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    await this.#endAll(() => true, { end: "lost", message: "The orchestrator was stopped while it ran." }, graceMs);
    await this.#unsaved.close();
    await this.#deps.store.close();
  }

  async #endAll(which: (run: LiveRun) => boolean, reason: EndReason, graceMs: number): Promise<void> {
    await Promise.all([...this.#live.values()].filter(which).map((run) => run.end(reason, graceMs)));
  }

  async #start(uid: string, spec: RunSpec, earlierAttempt: number | null): Promise<RunView> {
    const { store, files, clock, host } = this.#deps;
    if (earlierAttempt !== null) files.keepEarlier(uid, earlierAttempt);
    const record = newRecord({ uid, attempt: spec.attempt, siteId: spec.siteId, outputBytes: spec.limits.outputBytes });
    const plan = await planRun(host, spec);
    if (plan.kind === "end") return this.#endAtOnce(record, plan);
    // An end of an earlier attempt that the disk refused so far would be put down in place of this one.
    this.#unsaved.delete(uid);
    await store.begin(record).catch(full);
    const diskBeforeBytes = freeBytesOf(plan.folder);
    const outputs = { stdout: this.#openOutput(record, "stdout"), stderr: this.#openOutput(record, "stderr") };
    const startedAt = new Date(clock.now()).toISOString();
    let running: RunningRun;
    try {
      running = await this.#run(uid, spec, { plan, outputs });
    } catch (error) {
      await Promise.all([outputs.stdout.finish(), outputs.stderr.finish()]);
      const end = endOfFailedStart(error);
      if (end !== null) return this.#endAtOnce(record, end);
      await store.withdraw(uid);
      throw error;
    }
    const started: RunRecord = { ...record, state: "running", process: running.process, startedAt, diskBeforeBytes };
    const live = new LiveRun({
      record: started,
      running,
      outputs,
      timeoutMs: spec.limits.timeoutMs,
      now: () => new Date(clock.now()),
      freeBytes: () => freeBytesOf(plan.folder),
      onEnd: (ended) => this.#putDown(ended),
    });
    this.#live.set(uid, live);
    // The site may have been disabled or removed since the first look: those who ended its runs could not see this one.
    const obstacle = this.#isClosed ? "The orchestrator was stopped." : await whyNothingRuns(host, spec.siteId);
    if (obstacle !== null) {
      await live.end({ end: this.#isClosed ? "lost" : "cancelled", message: obstacle }, supersededGraceMs);
      return live.view;
    }
    this.#noteLater(live, started);
    return live.view;
  }

  /** What ends soon is put down soon; what goes on shall be known to an orchestrator that comes after this one. */
  #noteLater(live: LiveRun, started: RunRecord): void {
    const { uid } = started;
    const timer = setTimeout(() => {
      const note = async (): Promise<void> => (this.#live.get(uid) === live ? this.#deps.store.note(started) : undefined);
      // A full disk costs only the number of the process, which the runtime keeps as well.
      this.#lanes.run(uid, note).catch((err: unknown) => this.#deps.log.warn({ err, uid }, "the process of a run could not be noted"));
    }, noteAfterMs).unref();
    void live.ended.then(() => clearTimeout(timer));
  }

  #run(
    uid: string,
    spec: RunSpec,
    given: { readonly plan: Extract<RunPlan, { kind: "start" }>; readonly outputs: Readonly<Record<LogStream, KeptOutput>> },
  ): Promise<RunningRun> {
    const { plan, outputs } = given;
    const key = spec.idempotencyKey === null ? {} : { TASK_IDEMPOTENCY_KEY: spec.idempotencyKey };
    return this.#deps.runtime.run({
      run: `${uid}-${spec.attempt}`,
      place: plan.place,
      command: plan.command,
      arguments: spec.arguments,
      environment: { ...spec.environment, TASK_UID: uid, TASK_ATTEMPT: String(spec.attempt), ...key },
      limits: spec.limits,
      onOutput: pacedOutput(outputs, this.#pace),
    });
  }

  #openOutput(record: RunRecord, stream: LogStream): KeptOutput {
    const { files, append, log } = this.#deps;
    const { uid } = record;
    const place = { file: files.log(uid, stream), parts: files.parts(uid, stream), limitBytes: record.outputBytes };
    const onTrouble = (err: unknown): void => log.warn({ err, uid, stream }, "output of a run is not kept");
    return new KeptOutput(place, { onTrouble, ...(append === undefined ? {} : { append }) });
  }

  /** Puts down, durably, what ends before anything of it was started, or nobody can tell. */
  async #endAtOnce(record: RunRecord, plan: Extract<RunPlan, { kind: "end" }>): Promise<RunView> {
    const { store, clock } = this.#deps;
    const [stdout, stderr] = [this.#openOutput(record, "stdout"), this.#openOutput(record, "stderr")];
    void stderr.write(Buffer.from(plan.stderr));
    const [keptOut, keptErr] = await Promise.all([stdout.finish(), stderr.finish()]);
    const at = new Date(clock.now()).toISOString();
    const { end, code, message } = plan;
    const ended: RunRecord = { ...record, state: "ended", startedAt: at, finishedAt: at, end, code, message, stdout: keptOut, stderr: keptErr };
    // What may have begun is never started again, even if this cannot be written now.
    if (end === "lost") await this.#putDown(ended);
    else await store.end(ended).catch(full);
    return viewOf(ended);
  }

  async #putDown(record: RunRecord): Promise<void> {
    await this.#unsaved.save(record);
    if (this.#live.get(record.uid)?.attempt === record.attempt) this.#live.delete(record.uid);
    if (record.siteId === null) return;
    this.#wasActive.add(record.siteId);
    this.#deps.onSiteChanged?.(record.siteId);
  }

  async #declareLost(record: RunRecord): Promise<void> {
    const { files, clock, log } = this.#deps;
    const recover = (stream: LogStream) =>
      recoverOutput({ file: files.log(record.uid, stream), parts: files.parts(record.uid, stream), limitBytes: record.outputBytes }).catch((err: unknown) => {
        log.warn({ err, uid: record.uid, stream }, "output of a lost run could not be put together");
        return record[stream];
      });
    const [stdout, stderr] = await Promise.all([recover("stdout"), recover("stderr")]);
    const finishedAt = new Date(clock.now()).toISOString();
    await this.#unsaved.save({ ...record, state: "ended", end: "lost", message: "The orchestrator ended while it ran.", finishedAt, stdout, stderr });
    await files.removeParts(record.uid);
  }

  async #known(uid: string): Promise<RunView> {
    const found = await this.#ended(uid);
    // It may have been put down between two looks.
    if (found === undefined) throw new Failure("run_not_found");
    return found;
  }

  async #ended(uid: string): Promise<RunView | undefined> {
    const record = this.#unsaved.get(uid) ?? (await this.#deps.store.ended(uid));
    return record === undefined ? undefined : viewOf(record);
  }
}

function full(cause: unknown): never {
  if (codeOf(cause) === "ENOSPC" || codeOf(cause) === "EDQUOT") throw new Failure("machine_full", {}, { cause });
  throw cause;
}

async function endedOrLate(run: LiveRun, waitMs: number, signal: AbortSignal): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await Promise.race([run.ended, late]);
  clearTimeout(timer);
}
