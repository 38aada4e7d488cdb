import type { ClientRequest, IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { type CallInput, type ClientOptions, type InputOf, pathOf } from "#contract/client.ts";
import type { EndpointShape } from "#contract/endpoint.ts";
import { Failure, failureOf } from "#contract/failure.ts";
import { keepAlive } from "./socket-flow.ts";

/** An answer that is no socket is a problem document: not long. */
const mostProblemBytes = 64 * 1024;
/** Longest message that is taken from the other side, in bytes. */
const maxPayload = 16 * 1024 * 1024;

/**
 * Opens a socket to another process, by an endpoint whose result is one; `token` gives the bearer token, as for `createClient`. What
 * arrives before somebody listens waits: the socket comes paused, so call `resume()` once `message` is listened to. An answer that is no
 * socket is thrown as the `Failure` it carries; a process that does not answer as `component_away`.
 * It pings by itself, and ends when the signal of the input is aborted.
 */
export async function openSocket<E extends EndpointShape>(at: Omit<ClientOptions, "fetch">, shape: E, input: InputOf<E>): Promise<WebSocket> {
  // Typed by its endpoint for the caller; from here on it is what every call carries.
  const given: CallInput = input as CallInput;
  given.signal?.throwIfAborted();
  const token = await at.token?.(shape, given);
  const address = `${at.baseUrl.replace(/^http/, "ws")}${pathOf(shape, given)}`;
  const headers = { ...given.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  const socket = new WebSocket(address, { headers, perMessageDeflate: false, maxPayload, handshakeTimeout: 20_000 });
  const end = (): void => socket.terminate();
  const leave = (): void => given.signal?.removeEventListener("abort", end);
  given.signal?.addEventListener("abort", end, { once: true });
  socket.once("close", leave);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => {
      // At once: the first message may have come with the answer.
      socket.pause();
      resolve();
    });
    socket.once("unexpected-response", (request, response) => {
      // One that never opened does not close either.
      refusalOf(request, response).finally(leave).then(reject, reject);
    });
    socket.on("error", (cause) => {
      reject(given.signal?.aborted ? given.signal.reason : new Failure("component_away", { component: at.peer ?? "server" }, { cause }));
    });
  });
  keepAlive(socket);
  return socket;
}

async function refusalOf(request: ClientRequest, response: IncomingMessage): Promise<Failure> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostProblemBytes) break;
    chunks.push(chunk);
  }
  request.destroy();
  return failureOf(response.statusCode ?? 502, parsed(Buffer.concat(chunks).toString()));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no problem document of ours
  }
}
