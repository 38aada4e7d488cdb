// What stands behind a dynamic site in the router's tests: a program on a real port.
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createNetServer, type Socket } from "node:net";
import type { SiteAddress } from "#contract/site-spec.ts";

/** A program that listens. */
export interface SiteProgram extends AsyncDisposable {
  readonly address: SiteAddress;
  readonly port: number;
  readonly server: Server;
}

/** Starts a program that answers over HTTP. */
export async function startProgram(listener: RequestListener, where: { readonly socket?: string } = {}): Promise<SiteProgram> {
  const server = createHttpServer(listener);
  if (where.socket === undefined) server.listen(0, "127.0.0.1");
  else server.listen(where.socket);
  await once(server, "listening");
  const bound = server.address() as AddressInfo | string;
  const port = typeof bound === "string" ? 0 : bound.port;
  return {
    address: typeof bound === "string" ? { socket: bound } : { host: "127.0.0.1", port },
    port,
    server,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Starts a program that speaks on the bare socket: for answers that no decent server gives. */
export async function startRawProgram(
  onConnection: (socket: Socket) => void,
): Promise<{ readonly address: SiteAddress; readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    address: { host: "127.0.0.1", port },
    port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Resolves as soon as the condition holds; for what has no event of its own to wait for. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Sends bytes as they are and gives everything that comes back until the other side closes, or `enough` is satisfied. */
export async function exchangeRaw(door: string, bytes: string | Uint8Array, enough?: (text: string) => boolean): Promise<string> {
  const { hostname, port } = new URL(door);
  const { createConnection } = await import("node:net");
  const socket = createConnection({ host: hostname, port: Number(port) });
  socket.on("error", () => socket.destroy());
  socket.write(bytes);
  let text = "";
  await new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (enough?.(text)) resolve();
    });
  });
  socket.destroy();
  return text;
}
