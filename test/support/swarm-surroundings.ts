// The platform's own PostgreSQL and Redis on another machine of a swarm's network, somebody at the metadata address, and programs that try to reach them.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "#kit/log.ts";
import { findProgram } from "#orchestrator/runtime/process/machine-programs.ts";
import { mustRun, runCommand } from "#orchestrator/runtime/process/run-command.ts";
import { startPrivatePostgres } from "#supervisor/private-postgres.ts";
import { type Swarm, until } from "./swarm.ts";
import type { SwarmBacklot } from "./swarm-backlot.ts";

export interface SwarmSurroundings extends AsyncDisposable {
  /** What a Backlot needs to use them. */
  readonly environment: Readonly<Record<string, string>>;
  /** `host:port` of each. */
  readonly targets: readonly string[];
}

/** Where engines answer anybody on the network that asks: what must not be reached has to be there. */
export const enginePort = 2_375;
const metadata = "169.254.169.254";
const password = "between the nodes";

export async function startSurroundings(swarm: Swarm): Promise<SwarmSurroundings> {
  const host = swarm.network.replace(".0/24", ".254");
  const folder = await mkdtemp(join(tmpdir(), "backlot-around-"));
  await using ends = new AsyncDisposableStack();
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  const [postgresPort, redisPort] = [await freePort(host), await freePort(host)];
  const postgres = await startPrivatePostgres({
    folder: join(folder, "postgres"),
    log: silentLog(),
    settings: { listen_addresses: host, port: String(postgresPort), fsync: "off", max_connections: "100" },
    shared: { socketFolder: join(folder, "run"), password, rules: ["local all all scram-sha-256", `host all backlot ${swarm.network} scram-sha-256`] },
  });
  ends.defer(() => postgres.stop());
  const redis = ["redis-server", "--bind", host, "--port", String(redisPort), "--protected-mode", "no", "--save", "", "--appendonly", "no", "--dir", folder];
  ends.use(program(redis));
  await openMetadata(swarm, folder, ends);
  const targets = [`${host}:${postgresPort}`, `${host}:${redisPort}`, `${metadata}:80`];
  for (const target of targets) await until(async () => (await reachedFrom(swarm.nodes[0].inNetwork, [target])).includes(target), 30_000);
  const environment = {
    DATABASE_URL: `postgres://backlot:${encodeURIComponent(password)}@${host}:${postgresPort}/postgres`,
    REDIS_URL: `redis://${host}:${redisPort}`,
  };
  const all = ends.move();
  return { environment, targets, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** A server beside the nodes, which they reach by themselves as machines of a cloud reach it. */
async function openMetadata(swarm: Swarm, folder: string, ends: AsyncDisposableStack): Promise<void> {
  const [ip, busybox] = [findProgram("ip") ?? "ip", findProgram("busybox") ?? "busybox"];
  await mustRun([...swarm.inBetween, ip, "address", "add", `${metadata}/32`, "dev", "br0"]);
  for (const { inNetwork } of swarm.nodes) await mustRun([...inNetwork, ip, "route", "add", `${metadata}/32`, "dev", "eth0"]);
  // What it is asked by comes from a node's address.
  await mustRun([...swarm.inBetween, ip, "route", "add", swarm.network, "dev", "br0"]);
  ends.use(program([...swarm.inBetween, busybox, "httpd", "-f", "-p", `${metadata}:80`, "-h", folder]));
}

function program([file = "", ...rest]: readonly string[]): AsyncDisposable {
  const child: ChildProcess = spawn(file, rest, { stdio: "ignore", cwd: "/", env: { PATH: process.env.PATH } });
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** Where everything of a platform listens, and neighbours on every node, as sites might try them. */
export async function platformTargets({ backlot, swarm, others, second }: SwarmBacklot, around: readonly string[]): Promise<readonly string[]> {
  const doors = [backlot.manager, backlot.router, `tcp://${backlot.ssh}`, `tcp://${backlot.ftp}`, ...others.map(({ url }) => url)];
  if (second !== null) doors.push(second.door, second.adminUrl);
  const own = swarm.nodes.map(async ({ address, docker, inNetwork }, index) => {
    const [neighbour] = await docker.listContainers({ filters: JSON.stringify({ label: ["backlot.kind=site"] }) });
    const port = neighbour?.Ports.find(({ PublicPort: published }) => published !== undefined)?.PublicPort ?? 0;
    const gateway = `172.30.${index + 1}.1`;
    // Whatever listens on the node's own addresses, known to us or not.
    const lines = (await mustRun([...inNetwork, findProgram("ss") ?? "ss", "-Htln"])).split("\n");
    const listening = lines.flatMap((line) => /\s(?:0\.0\.0\.0|\*|\[::\]|10\.[\d.]+):(\d+)\s/.exec(line)?.[1] ?? []);
    const ports = new Set([...listening, String(port)]);
    const inner = `${neighbour?.NetworkSettings.Networks.bridge?.IPAddress}:8080`;
    return [inner, `${gateway}:${port}`, `${gateway}:${enginePort}`, ...[...ports].map((found) => `${address}:${found}`)];
  });
  return [...new Set([...doors.map((door) => new URL(door).host), ...around, ...(await Promise.all(own)).flat()])];
}

/** Which of these somebody in this place reaches. */
export async function reachedFrom(place: readonly string[], targets: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    targets.map(async (target) => {
      const [host = "", port = ""] = target.split(":");
      const { code } = await runCommand([...place, findProgram("busybox") ?? "busybox", "nc", "-w", "3", host, port]);
      return code === 0 ? [target] : [];
    }),
  );
  return found.flat();
}

/** Lines of a program that says of every target whether somebody answers there. */
export function asking(targets: readonly string[]): string {
  return `for target in ${targets.join(" ")}; do
  (if nc -w 3 "\${target%:*}" "\${target##*:}" </dev/null >/dev/null 2>&1; then echo "$target open"; else echo "$target closed"; fi) &
done
wait
echo asked ${targets.length}
`;
}

/** What a program that asks has told: targets that are open, and how many are closed. */
export function told(text: string): { readonly open: readonly string[]; readonly closed: number } {
  return { open: [...text.matchAll(/(\S+) open$/gm)].map((match) => match[1] ?? ""), closed: [...text.matchAll(/ closed$/gm)].length };
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
