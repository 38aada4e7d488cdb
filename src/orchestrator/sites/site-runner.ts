import { Failure } from "#contract/failure.ts";
import type { SiteStatus } from "#contract/site.ts";
import type { SiteAddress, SiteSpec } from "#contract/site-spec.ts";
import { afterCrash, afterVisit, type BackOffPolicy, type Crash, type CrashHistory, type EndCause, noCrashes } from "./back-off.ts";
import { type BootDeps, type BootResult, bootInstance, type Live } from "./boot-instance.ts";
import { crashFailure, crashOf, explain } from "./crash-failure.ts";
import { causeOf, reasonOf } from "./end-reason.ts";
import { InstanceOutput } from "./instance-output.ts";
import { Lane } from "./lane.ts";
import { findRunFile } from "./run-file.ts";
import type { SiteLog } from "./site-log.ts";
import type { StartGate } from "./start-gate.ts";
import { type Activity, mayRun, visibleStatus } from "./visible-status.ts";

/** Where a site's program answers. */
export interface Started {
  readonly address: SiteAddress;
  readonly instance: string;
  readonly bootMs: number;
}

export interface RunnerDeps extends BootDeps {
  readonly gate: StartGate;
  readonly backOff: BackOffPolicy;
  readonly log: SiteLog;
  readonly folder: string;
  /** A key for an instance that nobody named, unlike every other of the site. */
  readonly newInstance: () => string;
  readonly onStatus: (status: SiteStatus) => void;
}

/** One site's program through its life: starts it once however many ask, watches it, and says what it does and why. */
export class SiteRunner {
  readonly #deps: RunnerDeps;
  #spec: SiteSpec;
  #activity: Activity = { state: "asleep", reason: null };
  #status: SiteStatus;
  /** Everything that listens: the current instance, and those that a restart has replaced but not retired yet. */
  readonly #lives = new Set<Live>();
  #current: Live | null = null;
  #starting: { readonly key: string; readonly result: Promise<Started> } | null = null;
  #confirming: { readonly live: Live; readonly result: Promise<Started> } | null = null;
  #history: CrashHistory = noCrashes;
  #lastFailure: Failure | null = null;
  #retry: NodeJS.Timeout | null = null;
  #withdraw = new AbortController();
  #gone: "site_being_deleted" | "not_ready" | null = null;
  // Starts and stops of one site never overlap; wakes meanwhile share the start that waits in the lane.
  readonly #lane = new Lane();

  constructor(deps: RunnerDeps, spec: SiteSpec) {
    this.#deps = deps;
    this.#spec = spec;
    this.#status = { ...visibleStatus(spec, this.#activity), since: this.#now() };
  }

  get status(): SiteStatus {
    return this.#status;
  }

  /** Whether it will never run again. */
  get hasEnded(): boolean {
    return this.#gone !== null;
  }

  /** The instance that listens, started if there is none. `isAsked`: a person wants it, so a back-off does not hold it up. */
  async wake(options: { readonly isAsked: boolean }): Promise<Started> {
    this.#checkMayRun();
    this.#history = afterVisit(this.#history);
    if (this.#current !== null) return this.#confirm(this.#current);
    if (this.#starting !== null) return this.#starting.result;
    const isBlocked = !options.isAsked && this.#deps.clock.now() < this.#history.retryAt;
    if (isBlocked && this.#lastFailure !== null) throw new Failure(this.#lastFailure.code, this.#lastFailure.details);
    return this.#start(this.#deps.newInstance(), { replaces: false });
  }

  /** A second instance beside the current one (or after it, when the site cannot run twice); the new one becomes current. */
  async startInstance(key: string): Promise<Started> {
    this.#checkMayRun();
    if (this.#current?.key === key) return startedOf(this.#current);
    if (this.#starting?.key === key) return this.#starting.result;
    return this.#start(key, { replaces: true });
  }

  /** Stops every instance but the current one. */
  retireInstances(): Promise<void> {
    return this.#lane.run(() => this.#stop([...this.#lives].filter((live) => live !== this.#current)));
  }

  /** Stops the program; with an instance, only if that one is still the current one. */
  sleep(instance?: string): Promise<SiteStatus> {
    return this.#lane.run(async () => {
      if (instance !== undefined && this.#current?.key !== instance) return this.#status;
      await this.#rest();
      return this.#status;
    });
  }

  /** Takes a later specification; what it does not allow any more has ended when this resolves. */
  async apply(spec: SiteSpec): Promise<void> {
    this.#spec = spec;
    this.#publish();
    if (mayRun(spec)) return;
    this.#withdrawStarts();
    await this.#lane.run(async () => {
      if (!mayRun(this.#spec)) await this.#rest();
    });
  }

  /** Stops the program for good: the site is being removed, or the orchestrator ends. */
  async end(why: "site_being_deleted" | "not_ready"): Promise<void> {
    this.#gone = why;
    this.#withdrawStarts();
    await this.#lane.run(() => this.#rest());
  }

  /** Whoever asks for a site that runs may have been refused a connection: its program may have closed the port and live on. */
  #confirm(live: Live): Promise<Started> {
    if (this.#confirming?.live === live) return this.#confirming.result;
    const result = this.#listensStill(live).finally(() => {
      if (this.#confirming?.result === result) this.#confirming = null;
    });
    this.#confirming = { live, result };
    return result;
  }

  async #listensStill(live: Live): Promise<Started> {
    try {
      await live.running.whenListening(AbortSignal.timeout(this.#deps.bootTimeoutMs));
      if (this.#current === live) return startedOf(live);
      throw new Error("it was stopped meanwhile");
    } catch {
      // It was put to sleep meanwhile, it has crashed, or it does not listen: each of these is answered like any other wake.
      await this.#lane.run(() => this.#giveUp(live));
      return this.wake({ isAsked: false });
    }
  }

  async #giveUp(live: Live): Promise<void> {
    if (this.#current !== live) return;
    const found = await live.running.listening();
    await this.#stop([live]);
    this.#failed(crashOf(live, { at: this.#deps.clock.now(), cause: this.#silence }), found);
  }

  #start(key: string, options: { readonly replaces: boolean }): Promise<Started> {
    this.#cancelRetry();
    const result = this.#lane
      .run(() => this.#boot(key, options))
      .finally(() => {
        if (this.#starting?.result === result) this.#starting = null;
      });
    this.#starting = { key, result };
    return result;
  }

  async #boot(key: string, options: { readonly replaces: boolean }): Promise<Started> {
    const spec = this.#checkMayRun();
    const signal = this.#withdraw.signal;
    if (this.#current !== null && (!options.replaces || this.#current.key === key)) return startedOf(this.#current);
    const runFile = await findRunFile(this.#deps.folder).catch((failure: unknown) => this.#refused(failure));
    if (options.replaces) {
      // Leftovers of a restart that never came to its second half go too: at most two instances run at once.
      await this.#stop([...this.#lives].filter((live) => !spec.canRunTwice || live !== this.#current));
      this.#history = noCrashes;
    }
    if (this.#current === null) this.#set("starting", null);
    const output = new InstanceOutput({ write: (stream, line) => this.#deps.log.write(stream, line), clock: this.#deps.clock });
    const request = { spec, key, folder: this.#deps.folder, runFile, output, signal };
    const result = await this.#deps.gate.run(() => bootInstance(this.#deps, request)).catch((failure: unknown) => this.#refused(failure));
    return this.#booted(result);
  }

  #booted(result: BootResult): Started {
    switch (result.kind) {
      case "listening":
        this.#adopt(result.live);
        return startedOf(result.live);
      case "withdrawn":
        this.#checkMayRun();
        throw new Failure("site_not_served");
      case "ended":
        throw this.#failed(crashOf(result.live, { at: this.#deps.clock.now(), cause: causeOf(result.exit, this.#spec.limits.memoryBytes) }), []);
      case "silent":
        throw this.#failed(crashOf(result.live, { at: this.#deps.clock.now(), cause: this.#silence }), result.found);
    }
  }

  #adopt(live: Live): void {
    this.#lives.add(live);
    this.#current = live;
    this.#lastFailure = null;
    this.#say(`run.sh listens after ${Math.round(live.bootMs)} ms`);
    this.#set("running", null);
    void live.running.exited.then((exit) => {
      live.output.end();
      // Ended on purpose: whoever stopped it took it out before.
      if (!this.#lives.delete(live)) return;
      const cause = causeOf(exit, this.#spec.limits.memoryBytes);
      const crash = crashOf(live, { at: this.#deps.clock.now(), cause });
      if (this.#current !== live) return this.#say(`the instance before ${reasonOf([crash])}`);
      this.#current = null;
      this.#failed(crash, []);
    });
  }

  /** A start was refused before anything ran: nothing to back off from, the next one looks again. */
  #refused(failure: unknown): never {
    const reason = failure instanceof Failure ? failure.message : "it could not be started because of a fault of the platform";
    if (this.#activity.reason !== reason) this.#say(reason);
    if (this.#current === null) this.#set("stopped", reason);
    throw failure;
  }

  /** The program ended by itself or never listened: says so, and plans the next try. */
  #failed(crash: Crash, found: readonly string[]): Failure {
    if (this.#current !== null) {
      const reason = explain([crash], found);
      this.#say(`the new instance did not start, the one before goes on: ${reason}`);
      return crashFailure(crash, reason, found);
    }
    const next = afterCrash(this.#history, crash, this.#deps.backOff);
    const reason = explain(next.history.crashes, found);
    this.#history = next.history;
    this.#lastFailure = crashFailure(crash, reason, found);
    this.#say(next.restartInMs === null ? `${reason}; waiting for the next visitor` : `${reason}; next try in ${next.restartInMs / 1000} s`);
    this.#set("crashed", reason);
    if (next.restartInMs !== null && this.#gone === null) this.#planRetry(next.restartInMs);
    return this.#lastFailure;
  }

  #planRetry(delayMs: number): void {
    this.#cancelRetry();
    this.#retry = setTimeout(() => {
      if (this.#current !== null || this.#starting !== null || !mayRun(this.#spec) || this.#gone !== null) return;
      // Its failure is in the status and in the site's log already.
      this.#start(this.#deps.newInstance(), { replaces: false }).catch(() => undefined);
    }, delayMs).unref();
  }

  #cancelRetry(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  #withdrawStarts(): void {
    this.#cancelRetry();
    this.#withdraw.abort(new Error("the site may not run any more"));
    this.#withdraw = new AbortController();
  }

  async #rest(): Promise<void> {
    this.#cancelRetry();
    await this.#stop([...this.#lives]);
    this.#history = noCrashes;
    this.#lastFailure = null;
    this.#set("asleep", null);
  }

  async #stop(ending: readonly Live[]): Promise<void> {
    if (ending.length === 0) return;
    for (const live of ending) {
      this.#lives.delete(live);
      if (this.#current === live) this.#current = null;
    }
    if (this.#current === null) this.#set("stopping", null);
    await Promise.all(ending.map((live) => live.running.stop(this.#deps.graceMs)));
    this.#say(ending.length === 1 ? "run.sh was stopped" : `${ending.length} instances of run.sh were stopped`);
  }

  get #silence(): EndCause {
    return { kind: "silent", seconds: Math.round(this.#deps.bootTimeoutMs / 100) / 10 };
  }

  #checkMayRun(): SiteSpec {
    if (this.#gone !== null) throw new Failure(this.#gone);
    if (this.#spec.availability !== "enabled") throw new Failure("site_not_served");
    if (this.#spec.kind === "static") throw new Failure("site_static");
    return this.#spec;
  }

  #set(state: Activity["state"], reason: string | null): void {
    this.#activity = { state, reason };
    this.#publish();
  }

  #publish(): void {
    const { state, reason } = visibleStatus(this.#spec, this.#activity);
    if (state === this.#status.state && reason === this.#status.reason) return;
    this.#status = { state, reason, since: this.#now() };
    this.#deps.onStatus(this.#status);
  }

  #say(line: string): void {
    this.#deps.log.write("platform", line);
  }

  #now(): string {
    return new Date(this.#deps.clock.now()).toISOString();
  }
}

function startedOf(live: Live): Started {
  return { address: live.running.address, instance: live.key, bootMs: live.bootMs };
}
