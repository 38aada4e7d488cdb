import type { WebSocket } from "ws";
import { type TerminalEvent, type TerminalOrder, terminalChannels, terminalOrder } from "#contract/terminal.ts";
import { bytesOf } from "#kit/http/socket-flow.ts";

/** Codes of the WebSocket protocol: an ordinary end, and a message that is none of ours. */
const ordinary = 1000;
const notUnderstood = 1008;

/** Says something that is no output. */
export function tell(socket: WebSocket, event: TerminalEvent): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(event));
}

/** Says the last thing and closes. */
export function tellLast(socket: WebSocket, event: TerminalEvent): void {
  tell(socket, event);
  closeSocket(socket, ordinary);
}

/** Ends a socket whose client breaks the protocol. */
export function breach(socket: WebSocket, reason: string): void {
  closeSocket(socket, notUnderstood, reason);
}

function closeSocket(socket: WebSocket, code: number, reason?: string): void {
  socket.close(code, reason);
  // The other side's answer to that has to be read.
  socket.resume();
}

/** Hears what a client says; a message that breaks the protocol ends the socket. */
export function hear(socket: WebSocket, ears: { readonly onBytes: (bytes: Uint8Array) => void; readonly onOrder: (order: TerminalOrder) => void }): void {
  socket.on("message", (data, isBinary) => {
    const bytes = bytesOf(data);
    if (isBinary && bytes[0] === terminalChannels.data) return ears.onBytes(bytes.subarray(1));
    const order = isBinary ? null : orderIn(bytes.toString("utf8"));
    if (order === null) return breach(socket, "not understood");
    ears.onOrder(order);
  });
}

function orderIn(text: string): TerminalOrder | null {
  try {
    return terminalOrder.parse(JSON.parse(text));
  } catch {
    return null; // no JSON, or none of our orders
  }
}
