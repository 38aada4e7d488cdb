import { Failure } from "#contract/failure.ts";
import { ProtocolError } from "./response-head.ts";
import { UpstreamTimeout } from "./upstream-connection.ts";

/** What a visitor is told when the connection to a site's program was of no use. */
export function upstreamFailure(error: Error): Failure {
  const cause = { cause: error };
  if (error instanceof UpstreamTimeout) return new Failure("site_too_slow", { seconds: error.seconds }, cause);
  // Node refuses to write such a header.
  if (error instanceof TypeError) return new Failure("site_unreachable", { reason: "one of its headers holds characters that are not allowed" }, cause);
  const reason = error instanceof ProtocolError ? error.message : "it ended the connection before it had answered";
  return new Failure("site_unreachable", { reason }, cause);
}
