import { chmod, lstat, mkdir, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { siteDatabasePort } from "#contract/site-database.ts";
import type { Log } from "#kit/log.ts";

/** A server of the administrator's own has other clients too. */
const maxConnections = 200;
const connectWithinMs = 10_000;

/** Passes sites' connections on to a PostgreSQL server elsewhere: sites have no network of their own, but see this socket. */
export class DatabaseRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #path: string;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** Listens in the folder that sites are shown; `address` is `host:port`. */
  static async open(options: { readonly folder: string; readonly address: string; readonly log: Log }): Promise<DatabaseRelay> {
    const { folder, log } = options;
    const { hostname, port } = new URL(`tcp://${options.address}`);
    const target = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port), timeout: connectWithinMs };
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const path = join(folder, `.s.PGSQL.${siteDatabasePort}`);
    await removeOwnSocket(path);
    const relay = new DatabaseRelay(createServer({ allowHalfOpen: true }), path);
    relay.#server.maxConnections = maxConnections;
    relay.#server.on("connection", (site) => relay.#join(site, connect({ ...target, allowHalfOpen: true })));
    relay.#server.on("drop", () => log.warn({ maxConnections }, "sites have too many connections to their databases"));
    await new Promise<void>((resolve, reject) => {
      // It stays: a site whose connection cannot be accepted, for want of a descriptor, must not end the orchestrator.
      relay.#server.on("error", reject);
      relay.#server.listen(path, resolve);
    });
    // Every site has a user of its own.
    await chmod(path, 0o777);
    log.info({ address: options.address }, "sites' databases are on another server");
    return relay;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await rm(this.#path, { force: true });
  }

  /** Closes when this is over, whichever way it ended. */
  async closeAfter(work: Promise<void>): Promise<void> {
    try {
      await work;
    } finally {
      await this.close();
    }
  }

  #join(site: Socket, server: Socket): void {
    // Only the way there has a limit: a connection may be silent for as long as it likes.
    server.once("timeout", () => server.destroy()).once("connect", () => server.setTimeout(0).setKeepAlive(true, 30_000));
    for (const [socket, other] of [
      [site, server],
      [server, site],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}

/** What an orchestrator before this one left; anything else than a socket is not ours to remove. */
async function removeOwnSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found?.isSocket()) await rm(path);
}
