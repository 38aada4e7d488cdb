import { ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { Failure, problemOf } from "#contract/failure.ts";

/** Longest head of a request, in bytes: its address and its fields. */
export const maxHeadBytes = 16 * 1024;

/** Answers what the parser of HTTP gave up on: there is no request that anybody could look at. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  // What has begun to go out is an answer to something else, which this would spoil.
  const current: unknown = Reflect.get(socket, "_httpMessage");
  if (!socket.writable || error.code === "ECONNRESET" || (current instanceof ServerResponse && current.headersSent)) {
    socket.destroy();
    return;
  }
  sendRefusal(socket, failureOfParser(error));
}

/** Answers on a bare connection, and ends it. */
export function sendRefusal(socket: Duplex, failure: Failure): void {
  const body = JSON.stringify(problemOf(failure));
  const head = [
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function failureOfParser({ code }: NodeJS.ErrnoException): Failure {
  if (code === "HPE_HEADER_OVERFLOW") return new Failure("head_too_large", { limitBytes: maxHeadBytes });
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new Failure("request_too_slow");
  return new Failure("request_malformed", { reason: "it is not correct HTTP" });
}
