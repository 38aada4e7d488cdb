import { randomInt } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { plainAddress } from "./data-address.ts";

/** How long a data connection may take to come about. */
const connectMs = 30_000;

/** A data connection that is agreed on and made when a transfer begins. */
export interface DataChannel {
  /** Whether the client is there already. */
  readonly isConnected: boolean;
  connect(signal: AbortSignal): Promise<Socket>;
  close(): void;
}

/** No data connection came about. */
export class NoDataConnection extends Error {}

/** Waits for the client at a port of ours; whoever else comes is sent away. */
export class PassiveChannel implements DataChannel {
  readonly #server: Server;
  readonly #arrived = Promise.withResolvers<Socket>();
  #socket: Socket | undefined;

  private constructor(server: Server, client: string) {
    this.#server = server;
    // Nobody may be waiting yet when it fails.
    this.#arrived.promise.catch(() => undefined);
    // A connection that could not be accepted, for want of a descriptor, would end every session; `open` hears of its own failure.
    server.on("error", () => undefined);
    server.on("connection", (socket) => {
      socket.on("error", () => undefined);
      // Another host must neither take nor feed a transfer that is not its own.
      if (this.#socket !== undefined || plainAddress(socket.remoteAddress ?? "") !== plainAddress(client)) {
        socket.destroy();
        return;
      }
      this.#socket = socket;
      server.close();
      this.#arrived.resolve(socket);
    });
  }

  /** Listens at a port of the range that is free, chosen at random so that nobody guesses it. */
  static async open(options: {
    readonly host: string;
    readonly client: string;
    readonly ports: { readonly first: number; readonly last: number } | null;
  }): Promise<PassiveChannel> {
    const { host, ports } = options;
    const count = ports === null ? 1 : ports.last - ports.first + 1;
    const start = randomInt(count);
    for (let attempt = 0; ; attempt += 1) {
      const port = ports === null ? 0 : ports.first + ((start + attempt) % count);
      const server = createServer({ pauseOnConnect: true, noDelay: true });
      const channel = new PassiveChannel(server, options.client);
      try {
        server.listen({ host, port, backlog: 4 });
        await once(server, "listening");
        return channel;
      } catch (error) {
        server.close();
        if (attempt + 1 === count || !isTaken(error)) throw new NoDataConnection("no port is free for a data connection", { cause: error });
      }
    }
  }

  get port(): number {
    // A TCP server that listens has an address of this kind.
    return (this.#server.address() as AddressInfo).port;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  async connect(signal: AbortSignal): Promise<Socket> {
    return within(this.#arrived.promise, signal);
  }

  close(): void {
    this.#server.close();
    this.#socket?.destroy();
    this.#arrived.reject(new NoDataConnection("the data connection was closed"));
  }
}

/** Goes to where the client waits. */
export class ActiveChannel implements DataChannel {
  readonly isConnected = false;
  readonly #to: { readonly host: string; readonly port: number; readonly localAddress: string };
  #socket: Socket | undefined;

  constructor(to: { readonly host: string; readonly port: number; readonly localAddress: string }) {
    this.#to = to;
  }

  async connect(signal: AbortSignal): Promise<Socket> {
    const socket = connect({ ...this.#to, noDelay: true });
    this.#socket = socket;
    socket.pause();
    try {
      await within(once(socket, "connect"), signal);
    } catch (error) {
      socket.destroy();
      throw new NoDataConnection("the data connection could not be made", { cause: error });
    }
    socket.on("error", () => undefined);
    return socket;
  }

  close(): void {
    this.#socket?.destroy();
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

async function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new NoDataConnection("no data connection was made in time")), connectMs);
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
