import { Failure } from "#contract/failure.ts";
import type { SiteEgress } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import type { LogStream, RunLimits } from "#contract/task.ts";

/** Where a run happens: in a site, or in the home folder of the installation, which has a user and a script library of its own. */
export type RunPlace =
  | { readonly kind: "site"; readonly spec: SiteSpec; readonly folder: string }
  /** Without `egress` none. */
  | { readonly kind: "home"; readonly timeZone: string; readonly egress?: SiteEgress };

/** What a run executes. */
export type RunCommand =
  /** A script, by its path below the place's folder of scripts. A text that is not executable by itself is given to a shell, as shells do. */
  | { readonly kind: "script"; readonly path: string; readonly needsShell: boolean; readonly shellArguments: string | null }
  | { readonly kind: "command"; readonly command: string };

/** What to run. */
export interface RunRequest {
  /** The caller's key, unique among the runs that live. */
  readonly run: string;
  readonly place: RunPlace;
  readonly command: RunCommand;
  readonly arguments: readonly string[];
  /** Beyond what the place has; wins over it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: Pick<RunLimits, "cpu" | "memoryBytes" | "pids">;
  /** Receives what the program prints, as it comes. Nothing more of a stream is read until the promise that it gave has settled. Must not throw. */
  readonly onOutput: (stream: LogStream, chunk: Uint8Array) => Promise<void> | undefined;
}

/** How a run ended and what it used; null is what this machine cannot measure. */
export interface RunExit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The memory limit ended it. */
  readonly isOutOfMemory: boolean;
  readonly cpuMs: number | null;
  readonly peakMemoryBytes: number | null;
}

/** A run that was started. */
export interface RunningRun {
  /** The process that stands for it on this machine, and since when: clock ticks after the boot; null where there is none. */
  readonly process: { readonly pid: number; readonly startTime: string } | null;
  /** Resolves when the whole process tree is gone and all output was handed on. Never rejects. */
  readonly exited: Promise<RunExit>;
  /** Asks every process of it to end, ends what is left after `graceMs`, and resolves when all of it is gone. */
  end(graceMs: number): Promise<void>;
}

/** A start may have happened, and what became of it cannot be told: whoever starts it again may have it done twice. */
export class StartLost extends Failure {
  constructor(component: string, cause: unknown) {
    super("component_away", { component }, { cause });
  }
}

/** The folder of a site's scripts, below the site's folder. */
export const siteScriptsFolder = "private/scripts";
