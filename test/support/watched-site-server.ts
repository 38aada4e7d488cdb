import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "#kit/log.ts";
import { SitePostgres } from "#supervisor/site-postgres.ts";
import { createClusterKey } from "./fake-component.ts";

/** A server of sites' databases as the supervisor keeps it, and a door to it by which a test sees what is asked. */
export interface WatchedSiteServer extends AsyncDisposable {
  /** The administrator's address by way of the watched door. */
  readonly url: string;
  /** The same without being watched. */
  readonly directUrl: string;
  /** Told of what a client sends, when the server has it. */
  onStatement: (text: string) => Promise<void>;
}

/** Starts one in a temporary folder. */
export async function startWatchedSiteServer(): Promise<WatchedSiteServer> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "backlot-sites-pg-"));
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const clusterKeyFile = join(folder, "cluster.json");
  await writeFile(clusterKeyFile, JSON.stringify(await createClusterKey()));
  const postgres = new SitePostgres({ folder: join(folder, "server"), socketFolder: join(folder, "run"), clusterKeyFile, log: silentLog() });
  stack.defer(() => postgres.stop());
  const directUrl = await postgres.ensure();
  const door = join(folder, "door");
  await mkdir(door);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(join(folder, "run/.s.PGSQL.5432"));
    for (const socket of [client, target]) {
      sockets.add(socket.on("error", () => socket.destroy()));
      socket.once("close", () => [client, target].forEach((each) => void each.destroy()));
    }
    target.pipe(client);
    client.on("data", (chunk) => {
      target.write(chunk);
      void watched.onStatement(chunk.toString("latin1"));
    });
  });
  await new Promise<void>((resolve) => server.listen(join(door, ".s.PGSQL.5432"), resolve));
  stack.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const url = directUrl.replace(encodeURIComponent(join(folder, "run")), encodeURIComponent(door));
  const running = stack.move();
  const watched: WatchedSiteServer = { url, directUrl, onStatement: async () => undefined, [Symbol.asyncDispose]: () => running.disposeAsync() };
  return watched;
}
