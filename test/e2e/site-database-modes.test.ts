import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { siteFolder } from "#contract/site.ts";
import type { SiteAddress } from "#contract/site-spec.ts";
import { PostgresSiteDatabaseServer } from "#db/sites/postgres-site-database-server.ts";
import { silentLog } from "#kit/log.ts";
import { DatabaseRelay } from "#orchestrator/database-relay.ts";
import { SitePostgres } from "#supervisor/site-postgres.ts";
import { copyPackages, databaseProgram } from "../support/database-program.ts";
import { createClusterKey } from "../support/fake-component.ts";
import { titled, whyNoNetworks, whyNoSandbox } from "../support/needs.ts";
import { processRuntimeHarness } from "../support/process-runtime-harness.ts";

const cleanUp = new AsyncDisposableStack();
afterAll(() => cleanUp.disposeAsync());

let base: string;
let url: string;
const socketFolders = { own: "", relayed: "" };
const credentials = { name: "site_1", username: "site_1", password: "anns" };

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "backlot-db-modes-"));
  cleanUp.defer(() => rm(base, { recursive: true, force: true, maxRetries: 5 }));
  // Programs that are not isolated walk to the socket themselves.
  await chmod(base, 0o711);
  const clusterKeyFile = join(base, "cluster.json");
  await writeFile(clusterKeyFile, JSON.stringify(await createClusterKey()));
  socketFolders.own = join(base, "server/run");
  const postgres = new SitePostgres({ folder: join(base, "server"), socketFolder: socketFolders.own, clusterKeyFile, log: silentLog() });
  cleanUp.defer(() => postgres.stop());
  url = await postgres.ensure();
  const server = new PostgresSiteDatabaseServer(async () => url);
  await server.make({ name: "site_1", id: randomUUID() }, credentials.password);
  // An administrator's own server is reached over the network: here a port that leads to the same one.
  const { port } = cleanUp.use(await portTo(join(socketFolders.own, ".s.PGSQL.5432")));
  socketFolders.relayed = join(base, "relayed");
  const relay = await DatabaseRelay.open({ folder: socketFolders.relayed, address: `127.0.0.1:${port}`, log: silentLog() });
  cleanUp.defer(() => relay.close());
}, 60_000);

const cases = [
  { mode: "veth", by: "own" },
  { mode: "veth", by: "relayed" },
  { mode: "relay", by: "own" },
  { mode: "plain", by: "own" },
] as const;

describe.each(cases)("a program, $mode, with the server's $by socket", ({ mode, by }) => {
  const missing = mode === "plain" ? null : mode === "veth" ? whyNoNetworks() : whyNoSandbox();

  test.skipIf(missing !== null)(titled("writes and reads rows of its own database, and keeps its place without one to itself", missing), async () => {
    await using harness = processRuntimeHarness({ mode, databaseSockets: socketFolders[by] });
    if (mode === "plain") await chmod(harness.base, 0o711);
    const given = { siteId: 1, files: databaseProgram, isTrusted: mode === "plain", limits: { memoryBytes: 300_000_000 } };
    const { request: start, printed } = harness.make(given);
    await copyPackages(join(harness.options.sitesFolder, siteFolder(1)), ["pg"]);
    const instance = await harness.runtime.start({ ...start, spec: { ...start.spec, database: credentials } });
    await instance.whenListening(AbortSignal.timeout(30_000)).catch((error: unknown) => {
      throw new Error(`${error}: ${printed()}`);
    });
    const variables = JSON.parse(await visit(instance.address, "/variables"));
    expect(variables.DIRECTOR_DATABASE_NAME).toBe("site_1");
    if (mode !== "plain") expect(variables.DIRECTOR_DATABASE_HOST).toBe("/run/postgresql");
    await visit(instance.address, "/setup");
    const words = randomUUID();
    await visit(instance.address, `/add?words=${words}`);
    expect(JSON.parse(await visit(instance.address, "/rows"))).toContain(words);
    await instance.stop(1000);
    if (mode === "plain") return;
    const neighbour = harness.make({ ...given, siteId: 2 }).request;
    await copyPackages(join(harness.options.sitesFolder, siteFolder(2)), ["pg"]);
    const without = await harness.runtime.start(neighbour);
    await without.whenListening(AbortSignal.timeout(30_000));
    expect(JSON.parse(await visit(without.address, "/variables"))).toEqual({});
    expect(JSON.parse(await visit(without.address, "/folder"))).toMatchObject({ entries: "ENOENT" });
  });
});

test("a relay's folder holds its socket alone, and after kill -9 of the one before it opens again", async () => {
  const folder = join(base, "again");
  const address = "127.0.0.1:1";
  const first = await DatabaseRelay.open({ folder, address, log: silentLog() });
  // The socket stays, as after a kill.
  const second = await DatabaseRelay.open({ folder, address, log: silentLog() });
  await second.close();
  await first.close();
});

/** A port of this machine whose connections go to a unix socket. */
async function portTo(path: string): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const target = connect(path);
    for (const socket of [client, target]) sockets.add(socket.on("error", () => socket.destroy()));
    client.pipe(target).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { port, [Symbol.asyncDispose]: close };
}

function visit(address: SiteAddress, path: string): Promise<string> {
  const target = "socket" in address ? { socketPath: address.socket } : { host: address.host, port: address.port };
  return new Promise((resolve, reject) => {
    const asking = request({ ...target, path, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`${path}: ${response.statusCode} ${text}`))));
    });
    asking.on("error", reject).end();
  });
}
