import { Failure } from "#contract/failure.ts";
import type { RunSpec } from "#contract/internal/runs.ts";
import type { RunReply } from "#core/tasks/run-host.ts";
import { withinSite } from "#core/tasks/task-limits.ts";
import type { ClaimedTask } from "#core/tasks/task-queue.ts";
import type { Seal } from "#kit/seal.ts";

/** What the orchestrator needs to start a task's attempt. @throws when its environment was sealed with another key. */
export function runSpecOf(task: ClaimedTask, seal: Pick<Seal, "open">): RunSpec {
  // Sealed by whoever created the task, as JSON of name → value.
  const environment = task.sealedEnvironment === null ? {} : (JSON.parse(seal.open(task.sealedEnvironment)) as Record<string, string>);
  return {
    attempt: task.attempt,
    siteId: task.site?.id ?? null,
    program: task.program,
    arguments: [...task.arguments],
    environment,
    // As far as the site may go now, not when it was created.
    limits: withinSite(task.limits, task.siteLimits),
    idempotencyKey: task.idempotencyKey,
  };
}

/** What a call that failed says about a run. */
export function replyOf(error: unknown): RunReply {
  if (!(error instanceof Failure)) return { kind: "away", reason: "The orchestrator did not answer in time." };
  const reason = error.message;
  switch (error.code) {
    case "run_not_found":
      return { kind: "unknown" };
    case "run_superseded":
      return { kind: "superseded" };
    case "machine_full":
    case "not_ready":
    // The reconciler tells the orchestrator of the site again; a site that is gone is seen when the task is claimed.
    case "site_not_found":
    case "site_moved":
    // A matter of keys and clocks that an administrator can mend: the tasks wait.
    case "grant_refused":
      return { kind: "busy", reason };
    case "component_away":
      return { kind: isNeverSent(error) ? "unreached" : "away", reason };
    default:
      return error.status >= 500 ? { kind: "away", reason } : { kind: "refused", reason };
  }
}

const noLine = ["ECONNREFUSED", "ENOENT", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"];

/** Whether no connection was made at all. */
function isNeverSent(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string" && noLine.includes(cause.code)) return true;
  }
  return false;
}
