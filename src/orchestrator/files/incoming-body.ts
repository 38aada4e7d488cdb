import type { IncomingMessage } from "node:http";
import { Failure } from "#contract/failure.ts";

// A client that sends nothing for this long is gone, or holds a file open for fun.
const idleMs = 60_000;

/** The announced length of a request's body; undefined when it comes in chunks. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  const header = request.headers["content-length"];
  return header === undefined ? undefined : Number(header);
}

/** A request's body as it comes. Ends with `upload_incomplete` when the client goes away or stalls; the connection stays usable for an answer. */
export async function* bodyOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  request.setTimeout(idleMs, () => request.destroy(new Failure("upload_incomplete")));
  try {
    // A refused body is not destroyed: that would close the socket before the client has read why.
    yield* request.iterator({ destroyOnReturn: false });
  } catch (cause) {
    throw new Failure("upload_incomplete", {}, { cause });
  } finally {
    request.setTimeout(0);
  }
  if (!request.complete) throw new Failure("upload_incomplete");
}
