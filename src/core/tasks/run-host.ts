import type { TaskResult } from "./task.ts";
import type { ClaimedTask } from "./task-queue.ts";

/** A run as its host knows it. */
export type HostRun =
  | { readonly state: "running"; readonly startedAt: Date | null; readonly diskBeforeBytes: number | null }
  | {
      readonly state: "ended";
      readonly startedAt: Date | null;
      /** The moment of the answer when the host does not know. */
      readonly finishedAt: Date;
      readonly result: TaskResult;
      /** A sentence for people, where the end needs one. */
      readonly message: string | null;
    };

/** What a host says of a run. */
export type RunReply =
  | { readonly kind: "run"; readonly run: HostRun }
  /** It knows no such run. */
  | { readonly kind: "unknown" }
  /** A later attempt was started. */
  | { readonly kind: "superseded" }
  /** It was not started, and asking again would not help. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It was not started: there is no room now. */
  | { readonly kind: "busy"; readonly reason: string }
  /** This question never arrived. */
  | { readonly kind: "unreached"; readonly reason: string }
  /** No answer: what was asked may have happened. */
  | { readonly kind: "away"; readonly reason: string };

/** `running`: it goes on, and nothing was deleted; `away`: the host cannot do it now. */
export type ForgetReply = "forgotten" | "running" | "away";

/** Where runs are started. It keeps of every run which attempt was started, also over its own crash. Only an aborted signal makes it throw. */
export interface RunHost {
  /** Starts the task's attempt unless that was done already, and answers when its process exists or it could not be started. */
  put(task: ClaimedTask, signal: AbortSignal): Promise<RunReply>;
  /** Answers when the run has ended, or after a while. */
  follow(task: ClaimedTask, signal: AbortSignal): Promise<RunReply>;
  /** Ends the whole process tree of this attempt, and answers when that is done. */
  cancel(task: Pick<ClaimedTask, "uid" | "attempt">, signal: AbortSignal): Promise<RunReply>;
  /** Deletes what is kept of a run that has ended. */
  forget(uid: string, signal: AbortSignal): Promise<ForgetReply>;
}
