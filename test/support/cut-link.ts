// A way between two processes that a test cuts, as a broken line or a rule of a firewall does.
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";

/** - `open`: everything gets through; `refuses`: connections end at once, those of before too; `silent`: they are taken, and nothing more comes of them. */
type LinkState = "open" | "refuses" | "silent";

export interface CutLink extends AsyncDisposable {
  /** What to call instead of the other end. */
  readonly url: string;
  /** The other end, which may start later: `http://HOST:PORT`. */
  target: string;
  /** Changes what becomes of connections; those that are open end, but for `silent`, where they just stand still. */
  set(state: LinkState): void;
}

export async function openLink(): Promise<CutLink> {
  let state: LinkState = "open";
  const sockets = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    // Either end may go at any time: the other end sees it.
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    return socket;
  };
  const link = { target: "" };
  const server = createServer((near) => {
    track(near);
    if (state === "refuses" || link.target === "") near.destroy();
    if (state !== "open" || near.destroyed) return;
    const { hostname, port } = new URL(link.target);
    const far = track(createConnection({ host: hostname, port: Number(port) }));
    near.pipe(far).pipe(near);
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const endAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return Object.assign(link, {
    url: `http://127.0.0.1:${port}`,
    set: (next: LinkState) => {
      state = next;
      if (next !== "silent") endAll();
      else for (const socket of sockets) socket.unpipe().pause();
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      endAll();
      await closed;
    },
  });
}
