import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import ssh2 from "ssh2";
import { ConnectionCount } from "#kit/door/connection-count.ts";
import { algorithms } from "./algorithms.ts";
import { SshConnection } from "./connection.ts";
import type { DoorDeps } from "./door-deps.ts";
import type { HostKey } from "./host-keys.ts";

/** What the door is opened with. */
export interface SshDoorOptions {
  readonly hostKeys: readonly HostKey[];
  readonly limits: { readonly total: number; readonly perAddress: number };
  readonly deps: DoorDeps;
}

interface Guest {
  readonly socket: Socket;
  connection?: SshConnection;
}

/**
 * Accepts connections, counts them, and hands them to the library. The sockets are ours: the library has neither a limit of time for
 * signing in nor one for each address, and counts only who has said hello.
 */
export class SshDoor {
  readonly #options: SshDoorOptions;
  readonly #count: ConnectionCount;
  readonly #guests = new Map<string, Guest>();
  readonly #ssh: ssh2.Server;
  readonly #server: Server;

  constructor(options: SshDoorOptions) {
    this.#options = options;
    this.#count = new ConnectionCount(options.limits);
    const { deps, hostKeys } = options;
    this.#ssh = new ssh2.Server(
      {
        hostKeys: hostKeys.map(({ text }) => text),
        algorithms,
        ident: "Backlot",
        keepaliveInterval: 20_000,
        keepaliveCountMax: 3,
      },
      (client, { ip, port }) => {
        const guest = this.#guests.get(`${ip} ${port}`);
        // Gone already, while its first bytes were read.
        if (guest === undefined) return void client.end();
        guest.connection = new SshConnection(client, guest.socket, deps);
      },
    );
    this.#ssh.on("error", (err: unknown) => deps.log.error({ err }, "the SSH server failed"));
    this.#server = createServer({ noDelay: true }, (socket) => this.#take(socket));
  }

  /** Opens the door; the port that it got. */
  async listen(host: string, port: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject).listen({ host, port }, resolve);
    await promise;
    this.#server.off("error", reject).on("error", (err) => this.#options.deps.log.error({ err }, "the door failed"));
    // A TCP server that listens has an address of this kind.
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes it, and ends every connection. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const { connection, socket } of this.#guests.values()) {
      if (connection === undefined) socket.destroy();
      else connection.end();
    }
    await closed;
  }

  #take(socket: Socket): void {
    // The library listens too, once it has the socket.
    socket.on("error", () => socket.destroy());
    const { remoteAddress: address, remotePort } = socket;
    if (address === undefined) return void socket.destroy();
    if (this.#count.enter(address) !== undefined) return void socket.destroy();
    const name = `${address} ${remotePort}`;
    const guest: Guest = { socket };
    this.#guests.set(name, guest);
    const grace = setTimeout(() => {
      if (guest.connection?.isSignedIn !== true) socket.destroy();
    }, this.#options.deps.rules.signInMs);
    socket.once("close", () => {
      clearTimeout(grace);
      this.#count.leave(address);
      this.#guests.delete(name);
      guest.connection?.close();
    });
    this.#ssh.injectSocket(socket);
  }
}
