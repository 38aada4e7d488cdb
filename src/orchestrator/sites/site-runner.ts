import { Failure } from "#contract/failure.ts";
import type { SiteStatus } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import type { EndCause } from "./back-off.ts";
import { type BootResult, bootInstance, type Live, lookAgain, type Started, startedOf } from "./boot-instance.ts";
import { ComeBack } from "./come-back.ts";
import { CrashBook } from "./crash-book.ts";
import { crashFailure, crashOf, explain } from "./crash-failure.ts";
import { causeOf, reasonOf, silenceOf } from "./end-reason.ts";
import { FrozenLife } from "./frozen-life.ts";
import { InstanceOutput } from "./instance-output.ts";
import { KeptStatus } from "./kept-status.ts";
import { Lane } from "./lane.ts";
import { laterByClock } from "./later.ts";
import { LiveInstances } from "./live-instances.ts";
import { findRunFile } from "./run-file.ts";
import type { RunnerDeps } from "./runner-deps.ts";
import { Shared } from "./shared.ts";
import { type Activity, mayRun, whyNot } from "./visible-status.ts";
import { Withdrawal } from "./withdrawal.ts";

/** One site's program through its life: starts it once however many ask, watches it, and says what it does and why. */
export class SiteRunner {
  readonly #deps: RunnerDeps;
  #spec: SiteSpec;
  readonly #status: KeptStatus;
  readonly #lives = new LiveInstances();
  readonly #starting = new Shared<string, Started>();
  readonly #confirming = new Shared<Live, Started>();
  /** The key of the instance that was started last, which may have ended. */
  #latestKey: string | null = null;
  /** The key that a caller was given last: that one will be put to sleep by whoever has it. */
  #knownKey: string | null = null;
  readonly #crashes: CrashBook;
  readonly #comeBack: ComeBack;
  readonly #frozen: FrozenLife;
  readonly #withdrawal = new Withdrawal();
  #gone: "site_being_deleted" | "not_ready" | null = null;
  // Starts and stops of one site never overlap; wakes meanwhile share the start that waits in the lane.
  readonly #lane = new Lane();

  constructor(deps: RunnerDeps, spec: SiteSpec) {
    this.#deps = deps;
    this.#spec = spec;
    this.#crashes = new CrashBook(deps.backOff);
    this.#status = new KeptStatus({ clock: deps.clock, onChange: deps.onStatus }, spec);
    this.#frozen = new FrozenLife({
      onChange: (live, isFrozen) => this.current === live && this.#set(isFrozen ? "frozen" : "running", null),
      say: (line) => this.#say(line),
    });
    this.#comeBack = new ComeBack({
      unvisitedMs: deps.unvisitedMs,
      later: deps.later ?? laterByClock,
      mayStart: () => this.current === null && this.#starting.result === null && mayRun(this.#spec) && this.#gone === null,
      start: (key) => this.#start(key, { replaces: false }),
      isUnknown: (key) => this.current?.key === key && this.#knownKey !== key,
      // Whoever could not be stopped is stopped by the next one who wants that.
      sleep: (key) => void this.sleep(key).catch(() => undefined),
    });
    if (deps.left !== undefined) this.#comeBack.plan(0, deps.left);
  }

  get status(): SiteStatus {
    return this.#status.visible;
  }

  /** Whether it will never run again. */
  get hasEnded(): boolean {
    return this.#gone !== null;
  }

  /** Whether a program of it may write now: one that starts, runs or is being stopped. */
  get isActive(): boolean {
    return this.#lane.isBusy || this.#lives.all.some((live) => !this.#frozen.holds(live));
  }

  /** The one that visitors are sent to. */
  get current(): Live | null {
    return this.#lives.current;
  }

  /** The instance that listens, gone on where it was frozen, started if there is none. `isAsked`: a person wants it, so a back-off does not hold it up. */
  wake(options: { readonly isAsked: boolean }): Promise<Started> {
    return this.#handOut(this.#wake(options));
  }

  async #wake(options: { readonly isAsked: boolean }): Promise<Started> {
    this.#checkMayRun();
    this.#crashes.noteVisit();
    const current = this.current;
    // It may be asked for because a connection was refused: the program may have closed its port and live on.
    if (current !== null) return this.#confirming.run(current, () => this.#confirm(current));
    if (this.#starting.result !== null) return this.#starting.result;
    const blocking = options.isAsked ? null : this.#crashes.blocking(this.#deps.clock.now());
    if (blocking !== null) throw blocking;
    return this.#start(this.#deps.newInstance(), { replaces: false });
  }

  /** A second instance beside the current one (or after it, when the site cannot run twice); the new one becomes current. */
  startInstance(key: string): Promise<Started> {
    return this.#handOut(this.#startInstance(key));
  }

  async #startInstance(key: string): Promise<Started> {
    this.#checkMayRun();
    const current = this.current;
    if (current?.key !== key) return this.#start(key, { replaces: true });
    return this.#frozen.holds(current) ? this.#confirm(current) : startedOf(current);
  }

  /** Freezes the program if it is still this instance; false when it goes on. Who sends it requests has let it go before. */
  async freeze(instance: string): Promise<boolean> {
    // Whoever starts or stops it does not let it rest, and visitors must not wait for that.
    if (this.#lane.isBusy) return false;
    return this.#lane.run(async () => {
      return this.current?.key === instance ? this.#frozen.freeze(this.current) : true;
    });
  }

  /** Stops every instance but the current one. */
  retireInstances(): Promise<void> {
    return this.#lane.run(() => this.#stop(this.#lives.all.filter((live) => live !== this.current)));
  }

  /** Stops the program; with an instance, only if that one is still the current one; `onlyFrozen`: unless it has gone on meanwhile. */
  sleep(instance?: string, options: { readonly onlyFrozen?: boolean } = {}): Promise<SiteStatus> {
    return this.#lane.run(async () => {
      if (options.onlyFrozen && this.status.state !== "frozen") return this.status;
      // One that has crashed meanwhile counts too: it would come back under its key.
      if (instance !== undefined && instance !== (this.current?.key ?? this.#latestKey)) return this.status;
      await this.#rest();
      return this.status;
    });
  }

  /** Stops the program, also one that is being started, for a reason that is said to people; a wake looks again. */
  stopBecause(failure: Failure): Promise<void> {
    this.#withdrawal.withdraw(failure);
    return this.#lane.run(() => this.#rest().then(() => this.#refused(failure))).catch(() => undefined);
  }

  /** Takes a later specification; what it does not allow any more has ended when this resolves. */
  async apply(spec: SiteSpec): Promise<void> {
    this.#spec = spec;
    this.#status.set(this.#status.activity, spec);
    if (mayRun(spec)) return;
    this.#withdrawal.withdraw(new Failure(whyNot(spec) ?? "site_not_served"));
    await this.#lane.run(async () => {
      if (!mayRun(this.#spec)) await this.#rest();
    });
  }

  /** Stops the program for good: the site is being removed, or the orchestrator ends. */
  async end(why: "site_being_deleted" | "not_ready", graceMs: number = this.#deps.graceMs): Promise<void> {
    this.#gone = why;
    this.#withdrawal.withdraw(new Failure(why));
    await this.#lane.run(() => this.#rest(graceMs));
  }

  async #handOut(starting: Promise<Started>): Promise<Started> {
    const started = await starting;
    this.#knownKey = started.instance;
    return started;
  }

  async #confirm(live: Live): Promise<Started> {
    const seen = await (this.#frozen.holds(live) ? this.#frozen.goOn(live) : lookAgain(live, this.#deps.bootTimeoutMs));
    if (seen === "listens" && this.current === live) return startedOf(live);
    // It was put to sleep meanwhile, it has crashed, or it does not listen or go on: each of these is answered like any other wake.
    await this.#lane.run(() => this.#giveUp(live, seen));
    return this.current === live ? this.#confirm(live) : this.#wake({ isAsked: false });
  }

  async #giveUp(live: Live, seen: "silent" | "stuck" | "listens" | "ended"): Promise<void> {
    if (this.current !== live || !(seen === "silent" || seen === "stuck")) return;
    const found = await live.running.listening();
    await this.#stop([live]);
    if (seen === "silent") this.#failed(live, silenceOf(this.#deps.bootTimeoutMs), found);
  }

  #start(key: string, options: { readonly replaces: boolean }): Promise<Started> {
    this.#comeBack.cancel();
    return this.#starting.run(key, () => this.#lane.run(() => this.#boot(key, options)));
  }

  async #boot(key: string, options: { readonly replaces: boolean }): Promise<Started> {
    const [spec, signal] = [this.#checkMayRun(), this.#withdrawal.signal];
    const current = this.current;
    if (current !== null && (!options.replaces || current.key === key)) {
      // One whose stop was refused may stand still.
      await this.#frozen.thaw(current);
      if (this.current === current) return startedOf(current);
    }
    this.#latestKey = key;
    const runFile = await this.#deps
      .checkRoom()
      .then(() => findRunFile(this.#deps.folder, spec.kind))
      .catch((failure: unknown) => this.#refused(failure));
    if (options.replaces) {
      // Leftovers of a restart that never came to its second half go too: at most two instances run at once.
      await this.#stop(this.#lives.all.filter((live) => !spec.canRunTwice || live !== this.current));
      this.#crashes.clear();
    }
    if (this.current === null) this.#set("starting", null);
    const output = new InstanceOutput({ write: (stream, line) => this.#deps.log.write(stream, line), clock: this.#deps.clock });
    const request = { spec, key, folder: this.#deps.folder, runFile, output, signal };
    return this.#booted(await this.#deps.gate.run(() => bootInstance(this.#deps, request)).catch((failure: unknown) => this.#refused(failure)));
  }

  #booted(result: BootResult): Started {
    switch (result.kind) {
      case "listening":
        this.#adopt(result.live);
        return startedOf(result.live);
      case "withdrawn":
        throw result.why;
      case "ended":
        throw this.#failed(result.live, causeOf(result.exit, this.#spec.limits.memoryBytes), []);
      case "silent":
        throw this.#failed(result.live, silenceOf(this.#deps.bootTimeoutMs), result.found);
    }
  }

  #adopt(live: Live): void {
    this.#lives.add(live);
    this.#say(`run.sh listens after ${Math.round(live.bootMs)} ms`);
    this.#set("running", null);
    void live.running.exited.then((exit) => {
      live.output.end();
      // Ended on purpose: whoever stopped it took it out before.
      const was = this.#lives.forget(live);
      if (was === null) return;
      const cause = causeOf(exit, this.#spec.limits.memoryBytes);
      const wasFrozen = this.#frozen.forget(live);
      const isCurrent = was === "current";
      if (isCurrent && !wasFrozen) return void this.#failed(live, cause, []);
      this.#say(`${isCurrent ? "the frozen program" : "the instance before"} ${reasonOf([crashOf(live, { at: this.#deps.clock.now(), cause })])}`);
      // Nobody waits for one that was ended while it stood still: the next visitor starts it.
      if (isCurrent) this.#set("asleep", null);
    });
  }

  /** A start was refused before anything ran: nothing to back off from, the next one looks again. */
  #refused(failure: unknown): never {
    const reason = failure instanceof Failure ? failure.message : "it could not be started because of a fault of the platform";
    if (this.#status.activity.reason !== reason) this.#say(reason);
    if (this.current === null) this.#set("stopped", reason);
    throw failure;
  }

  /** The program ended by itself or never listened: says so, and plans the next try. */
  #failed(live: Live, cause: EndCause, found: readonly string[]): Failure {
    const crash = crashOf(live, { at: this.#deps.clock.now(), cause });
    if (this.current !== null) {
      this.#say(`the new instance did not start, the one before goes on: ${explain([crash], found)}`);
      return crashFailure([crash], found);
    }
    const { reason, failure, restartInMs } = this.#crashes.note(crash, found);
    this.#say(restartInMs === null ? `${reason}; waiting for the next visitor` : `${reason}; next try in ${restartInMs / 1000} s`);
    this.#latestKey = live.key;
    this.#set("crashed", reason);
    if (restartInMs !== null && this.#gone === null) this.#comeBack.plan(restartInMs, live.key);
    return failure;
  }

  async #rest(graceMs: number = this.#deps.graceMs): Promise<void> {
    this.#comeBack.cancel();
    await this.#stop(this.#lives.all, graceMs);
    this.#crashes.clear();
    this.#set("asleep", null);
  }

  async #stop(ending: readonly Live[], graceMs: number = this.#deps.graceMs): Promise<void> {
    if (ending.length === 0) return;
    const was = this.#status.activity;
    const frozen = ending.filter((live) => this.#frozen.forget(live));
    const stopping = this.#lives.stop(ending, graceMs);
    if (this.current === null) this.#set("stopping", null);
    const refused = await stopping;
    if (refused === null) return this.#say(ending.length === 1 ? "run.sh was stopped" : `${ending.length} instances of run.sh were stopped`);
    // Whoever comes next finds it as it was.
    if (this.current !== null && frozen.includes(this.current)) this.#frozen.keep(this.current);
    if (this.#status.activity.state === "stopping") this.#status.set(this.current === null ? { state: "asleep", reason: null } : was, this.#spec);
    throw refused.why;
  }

  #checkMayRun(): SiteSpec {
    const why = this.#gone ?? whyNot(this.#spec);
    if (why !== null) throw new Failure(why);
    return this.#spec;
  }

  #set(state: Activity["state"], reason: string | null): void {
    this.#status.set({ state, reason }, this.#spec);
  }

  #say(line: string): void {
    this.#deps.log.write("platform", line);
  }
}
