import { type IncomingMessage, ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { Failure, problemOf } from "#contract/failure.ts";
import { endWith } from "./last-words.ts";

/** Longest head of a request, in bytes: its address and its fields. */
export const maxHeadBytes = 16 * 1024;

/** What still comes on these is thrown away. */
const refused = new WeakSet<Duplex>();

/** Answers what the parser of HTTP gave up on: there is no request that anybody could look at. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Each further piece is an error again: closing for that would reset the connection, and lose the answer that is on its way.
  if (error.code !== "ECONNRESET" && refused.has(socket)) return;
  if (error.code === "ECONNRESET" || !isUnanswered(socket)) socket.destroy();
  else sendRefusal(socket, failureOfParser(error));
}

/** Whether something can be said on a bare connection: what has begun to go out there is an answer to something else, which that would spoil. */
function isUnanswered(socket: Duplex): boolean {
  const current: unknown = Reflect.get(socket, "_httpMessage");
  return socket.writable && !(current instanceof ServerResponse && current.headersSent);
}

/** Answers CONNECT, for which Node gives a bare connection. */
export function refuseConnect(_request: IncomingMessage, socket: Duplex): void {
  // Without a listener the error of a client who vanishes would end the process.
  socket.on("error", () => socket.destroy());
  if (isUnanswered(socket)) sendRefusal(socket, new Failure("request_malformed", { reason: "this is no proxy" }));
  else socket.destroy();
}

function sendRefusal(socket: Duplex, failure: Failure): void {
  const body = JSON.stringify(problemOf(failure));
  const head = [
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  refused.add(socket);
  endWith(socket, `${head.join("\r\n")}\r\n\r\n${body}`);
}

function failureOfParser({ code }: NodeJS.ErrnoException): Failure {
  if (code === "HPE_HEADER_OVERFLOW") return new Failure("head_too_large", { limitBytes: maxHeadBytes });
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new Failure("request_too_slow");
  return new Failure("request_malformed", { reason: "it is not correct HTTP" });
}
