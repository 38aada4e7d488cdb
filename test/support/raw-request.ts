import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Opens a connection, writes a text on it as it is, and stays open when the server says that it has ended. */
export async function dial(door: { readonly host: string; readonly port: number }, text: string): Promise<Socket> {
  const socket = connect({ ...door, allowHalfOpen: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

/** Waits for the server's end of a connection, and closes it. */
export async function ended(socket: Socket): Promise<void> {
  const closed = once(socket, "close");
  socket.once("end", () => socket.destroy()).resume();
  await closed;
}

/** A request without a body as text; `fields` are header lines. */
export function rawGet(target: { readonly host: string; readonly path: string }, ...fields: readonly string[]): string {
  return [`GET ${target.path} HTTP/1.1`, `Host: ${target.host}`, ...fields, "", ""].join("\r\n");
}
