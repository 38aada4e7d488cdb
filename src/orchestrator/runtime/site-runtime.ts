import type { SiteAddress, SiteSpec } from "#contract/site-spec.ts";
import type { EnteredProgram, EnterRequest } from "./enter.ts";
import type { RunningRun, RunRequest } from "./run.ts";

/** What a machine can do for sites' programs; found out by trying, not by looking for files. */
export interface RuntimeCapabilities {
  readonly isolates: boolean;
  /** Why it does not isolate, in words a person can act on. */
  readonly missing: readonly string[];
  /** Which limits really hold. */
  readonly limits: { readonly memory: boolean; readonly cpu: boolean; readonly pids: boolean };
  /** Whether programs can be frozen; where not, they run on until they are stopped. */
  readonly freezes: boolean;
  /** Why not, in words a person can act on; null where they can. */
  readonly freezeNote: string | null;
  /** Whether programs can be let out into the internet; `notes` say what stands in the way, or will when one tries. */
  readonly egress: { readonly isAvailable: boolean; readonly notes: readonly string[] };
  /** Whether static sites can have a file server of their own. */
  readonly dedicates?: boolean;
}

/** How a program ended. */
export interface InstanceExit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The memory limit ended it. */
  readonly isOutOfMemory: boolean;
}

/** What to start. */
export interface StartRequest {
  readonly spec: SiteSpec;
  /** The caller's key of this instance, unique among the site's instances. */
  readonly instance: string;
  /** The site's folder on this machine. */
  readonly folder: string;
  /** Where in it `run.sh` was found. */
  readonly runFile: "run.sh" | "private/run.sh" | "public/run.sh";
  /** Receives what the program prints, as it comes. Must not throw. */
  readonly onOutput: (stream: "stdout" | "stderr", text: string) => void;
}

/** A program that was started; it may not listen yet. */
export interface RunningInstance {
  readonly siteId: number;
  readonly instance: string;
  readonly address: SiteAddress;
  /** Resolves when the whole process tree is gone. Never rejects. */
  readonly exited: Promise<InstanceExit>;
  /** What of the instance listens right now, as `address:port`, to explain why it does not answer: `127.0.0.1:5000`. */
  listening(): Promise<readonly string[]>;
  /** Resolves as soon as the program listens at `address`; rejects when the signal is aborted or the program has ended. */
  whenListening(signal: AbortSignal): Promise<void>;
  /**
   * Stops the whole tree where it is, its memory kept, until `thaw` or `stop`; resolves when all of it stands still. Its port still accepts
   * and then hangs, so whoever sends requests has to be told first. Frozen or ended already is success.
   * @throws when not everything came to stand within a second or two; then all of it goes on.
   */
  freeze(): Promise<void>;
  /** Lets it go on; running or ended already is success. Resolves within milliseconds. */
  thaw(): Promise<void>;
  /** What it holds in memory now; null where that is not known. */
  memoryBytes(): Promise<number | null>;
  /** Asks the program to end (a frozen one goes on for that), ends the whole tree after `graceMs`, and resolves when it is gone and its address released. */
  stop(graceMs: number): Promise<void>;
}

/** Instances that outlive an orchestrator, so that a new one can take charge of them. */
export interface LastingInstances {
  /**
   * Those that an earlier orchestrator left running on this machine, the newest first. `start` with the same site and instance takes charge of one
   * instead of starting another; frozen ones go on then. Called once, after `cleanUp`, before any start.
   */
  left(): Promise<readonly LeftInstance[]>;
  /**
   * Ends what was left of a site and nobody has taken charge of; without a site, everything of that kind, again and again until none is left. Rejects
   * when something cannot be ended yet: it is known still, so whoever asks again ends it.
   */
  drop(siteId?: number): Promise<void>;
  /** From now on `stop` leaves instances as they are, for the next orchestrator. Resolves when all that they print up to then was handed on, and nothing more will be. */
  leave(): Promise<void>;
  /** Removes what is kept of a site that will not come back, its program included. */
  forget(siteId: number): Promise<void>;
  /** This orchestrator is responsible since that placement: what an earlier one left running elsewhere ends by itself. Nobody waits for it. */
  endEarlier(siteId: number, placement: number): void;
}

/** An instance that an earlier orchestrator started. */
export interface LeftInstance {
  readonly siteId: number;
  readonly instance: string;
}

/** Runs sites' programs in one way: child processes, a Swarm. One contract suite holds for every adapter and the fake. */
export interface SiteRuntime {
  readonly kind: "process" | "swarm" | "fake";
  /** Tries what this machine can do. Called at the start, and when `trouble` is over. */
  probe(): Promise<RuntimeCapabilities>;
  /** Why no program can be started right now, in words; null when one can. Answers within a second. Absent: that depends on nobody else. */
  trouble?(): Promise<string | null>;
  /**
   * Starts `run.sh` inside the site's sandbox and resolves once it was spawned.
   * @throws {Failure} `machine_full` when no address or process is left, `isolation_missing` when the site may not run unisolated.
   */
  start(request: StartRequest): Promise<RunningInstance>;
  /**
   * Starts a program beside the site's own, which notices nothing of it: same sandbox, user, files and environment, a process namespace and
   * limits of its own. Resolves once it was spawned.
   * @throws {Failure} as `start` does; `StartLost` when it may have begun.
   */
  run(request: RunRequest): Promise<RunningRun>;
  /**
   * Starts a shell or a command for somebody who sits in front of it, in the site's folder: same sandbox, user, files and environment,
   * namespaces and the site's limits of its own. A static site can be entered, too. Resolves once it was spawned.
   * @throws {Failure} as `start` does.
   */
  enter(request: EnterRequest): Promise<EnteredProgram>;
  /**
   * Says what a site is by now where others read it, its program going on: a load balancer's labels. Resolves when it is said, or when it will be as
   * soon as that can be. Absent: nobody reads.
   */
  describe?(spec: SiteSpec): Promise<void>;
  /** Ends what an earlier orchestrator left behind on this machine; says how many processes that were. Called once at start. */
  cleanUp(): Promise<number>;
  /** There only where instances outlive an orchestrator. */
  readonly lasting?: LastingInstances;
  /** Ends every run and everybody who has entered; every instance, too, unless they outlive the orchestrator. */
  close(): Promise<void>;
}
