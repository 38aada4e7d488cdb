import { Failure } from "#contract/failure.ts";

/** A connection that is cut in the middle of an answer comes as fetch's own TypeError, with what happened to the socket as its cause. */
export function isCutConnection(error: unknown): boolean {
  return error instanceof TypeError && error.cause instanceof Error && "code" in error.cause;
}

/** Whether the server was away, as it is while it restarts: asking again may help. */
export function isServerAway(error: unknown): boolean {
  return (error instanceof Failure && (error.code === "component_away" || error.code === "not_ready")) || isCutConnection(error);
}
