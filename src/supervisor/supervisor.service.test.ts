import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { readClusterKey, readComponentKey } from "#kit/cluster-key.ts";

const script = fileURLToPath(new URL("../../test/support/fake-backlot.ts", import.meta.url));
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "backlot-supervisor-")));
  cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

interface Backlot {
  readonly process: ChildProcess;
  /** The next message of the fake: `ready`, `refused` or `printed`. */
  next(): Promise<Record<string, unknown>>;
}

// Any database address keeps the private one away, where a test is about something else.
const elsewhere = { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" };

function launch(data: string, environment: Record<string, string> = elsewhere): Backlot {
  const env = {
    PATH: process.env.PATH ?? "",
    BACKLOT_DATA: data,
    BACKLOT_PORT: "0",
    BACKLOT_ROUTER_PORT: "0",
    BACKLOT_FTP_PORT: "0",
    BACKLOT_SSH_PORT: "0",
    ...environment,
  };
  const child = fork(script, { env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const messages: Record<string, unknown>[] = [];
  let wake = Promise.withResolvers<void>();
  child.on("message", (message) => {
    messages.push(z.record(z.string(), z.unknown()).parse(message));
    wake.resolve();
    wake = Promise.withResolvers();
  });
  cleanups.push(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
  const next = async (): Promise<Record<string, unknown>> => {
    while (messages.length === 0) await wake.promise;
    return messages.shift() ?? {};
  };
  return { process: child, next };
}

const record = z.object({ pid: z.int(), args: z.array(z.string()), environment: z.record(z.string(), z.string()) });

async function recordOf(data: string, services: string): Promise<z.output<typeof record>> {
  return record.parse(JSON.parse(await readFile(join(data, `${services}.started`), "utf8")));
}

async function childPids(data: string): Promise<readonly number[]> {
  return Promise.all(["manager,worker,ftp,shell", "orchestrator", "router"].map(async (services) => (await recordOf(data, services)).pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pids: readonly number[], withinMs = 5000): Promise<readonly number[]> {
  const deadline = Date.now() + withinMs;
  while (pids.some(isAlive) && Date.now() < deadline) await delay(10);
  return pids.filter(isAlive);
}

describe("the supervisor", () => {
  it("starts every process, tells where the doors are, and gives each child only what it needs", async () => {
    const data = await temporaryFolder();
    const backlot = launch(data, { ...elsewhere, BACKLOT_ADMIN_PASSWORD: "secret", BACKLOT_UNKNOWN: "1", AWS_SECRET_ACCESS_KEY: "1" });
    const ready = z.object({ ready: z.array(z.string()), doors: z.record(z.string(), z.string()) }).parse(await backlot.next());
    expect(JSON.parse(await readFile(join(data, "endpoints.json"), "utf8"))).toEqual(ready.doors);
    const port = new URL(ready.doors.router ?? "").port;
    expect(ready.ready).toEqual(
      expect.arrayContaining([
        "Backlot is ready.",
        `  Sites      http://NAME.localhost:${port}`,
        `  Data       ${data}`,
        "manager,worker,ftp,shell says hello",
      ]),
    );

    const keys = join(data, "keys");
    const router = await recordOf(data, "router");
    expect(router.args).toEqual(["run", "router", "--supervised"]);
    expect(router.environment).toMatchObject({ BACKLOT_COMPONENT_KEY_FILE: join(keys, "router.json"), BACKLOT_ROUTER_PORT: port });
    const control = await recordOf(data, "manager,worker,ftp,shell");
    expect(control.environment).toMatchObject({ ...elsewhere, BACKLOT_CLUSTER_KEY_FILE: join(keys, "cluster.json"), BACKLOT_ADMIN_PASSWORD: "secret" });
    const orchestrator = await recordOf(data, "orchestrator");
    for (const { environment } of [router, orchestrator]) {
      for (const name of ["DATABASE_URL", "BACKLOT_CLUSTER_KEY_FILE", "BACKLOT_ADMIN_PASSWORD"]) expect(environment).not.toHaveProperty(name);
    }
    for (const { environment } of [router, orchestrator, control]) expect(Object.keys(environment)).not.toContain("AWS_SECRET_ACCESS_KEY");

    const cluster = await readClusterKey(join(keys, "cluster.json"));
    expect((await readComponentKey(join(keys, "router.json"))).managerPublicKey).toEqual(cluster.publicKey);
  });

  it("starts a child that was killed again, with the same ports, and leaves the others alone", async () => {
    const data = await temporaryFolder();
    const backlot = launch(data);
    await backlot.next();
    const before = await recordOf(data, "router");
    const others = [await recordOf(data, "manager,worker,ftp,shell"), await recordOf(data, "orchestrator")];
    process.kill(before.pid, "SIGKILL");
    expect(await backlot.next()).toEqual({ printed: "router says hello" });
    const after = await recordOf(data, "router");
    expect(after.pid).not.toBe(before.pid);
    expect(after.environment).toEqual(before.environment);
    expect([await recordOf(data, "manager,worker,ftp,shell"), await recordOf(data, "orchestrator")]).toEqual(others);
    expect(others.map(({ pid }) => isAlive(pid))).toEqual([true, true]);
  });

  it("takes every process with it when it is killed, and starts again on the same folder", async () => {
    const data = await temporaryFolder();
    const backlot = launch(data, {});
    await backlot.next();
    const keys = await readFile(join(data, "keys", "cluster.json"), "utf8");
    const database = Number.parseInt(await readFile(join(data, "postgres", "data", "postmaster.pid"), "utf8"), 10);
    const pids = [...(await childPids(data)), database];
    expect(pids.map(isAlive)).toEqual([true, true, true, true]);
    backlot.process.kill("SIGKILL");
    expect(await gone(pids)).toEqual([]);

    const again = launch(data, {});
    expect(await again.next()).toHaveProperty("ready");
    expect(await readFile(join(data, "keys", "cluster.json"), "utf8")).toBe(keys);
  });

  it("starts a database that was killed again at the same address", async () => {
    const data = await temporaryFolder();
    const backlot = launch(data, {});
    await backlot.next();
    const url = (await recordOf(data, "manager,worker,ftp,shell")).environment.DATABASE_URL;
    const pid = Number.parseInt(await readFile(join(data, "postgres", "data", "postmaster.pid"), "utf8"), 10);
    process.kill(pid, "SIGKILL");
    expect(await gone([pid])).toEqual([]);
    await expect.poll(() => answers(url), { timeout: 20_000 }).toBe(true);
  });

  it("ends in order within five seconds, even with a child that does not want to", async () => {
    const data = await temporaryFolder();
    await writeFile(join(data, "router.ignores-sigterm"), "");
    const backlot = launch(data);
    await backlot.next();
    const pids = await childPids(data);
    const startedAt = performance.now();
    backlot.process.send("stop");
    expect(await once(backlot.process, "exit")).toEqual([0, null]);
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(await gone(pids, 0)).toEqual([]);
    expect(existsSync(join(data, "endpoints.json"))).toBe(false);
  });

  it("refuses a second start on the same folder, naming the process that holds it", async () => {
    const data = await temporaryFolder();
    const first = launch(data);
    await first.next();
    const endpoints = await readFile(join(data, "endpoints.json"), "utf8");
    const second = launch(data);
    expect(await second.next()).toEqual({
      refused: [`BACKLOT_DATA: another Backlot (process ${first.process.pid}) uses ${data}; stop it, or set BACKLOT_DATA to another folder`],
    });
    expect(await once(second.process, "exit")).toEqual([2, null]);
    expect(await readFile(join(data, "endpoints.json"), "utf8")).toBe(endpoints);
    expect((await childPids(data)).map(isAlive)).toEqual([true, true, true]);
  });

  it("waits for the one before to end, when that is on its way", async () => {
    const data = await temporaryFolder();
    await writeFile(join(data, "router.ignores-sigterm"), "");
    const first = launch(data);
    await first.next();
    const firstEnded = once(first.process, "exit");
    first.process.send("stop");
    await expect.poll(() => existsSync(join(data, "endpoints.json")), { timeout: 10_000 }).toBe(false);
    const second = launch(data);
    expect(await second.next()).toHaveProperty("ready");
    expect(await firstEnded).toEqual([0, null]);
  });

  it("refuses ports that others have, all at once, before anything is started", async () => {
    const data = await temporaryFolder();
    await mkdir(data, { recursive: true });
    const holders = await Promise.all([holdPort(), holdPort()]);
    const backlot = launch(data, { ...elsewhere, BACKLOT_PORT: String(holders[0]), BACKLOT_ROUTER_PORT: String(holders[1]) });
    expect(await backlot.next()).toEqual({
      refused: [
        `BACKLOT_PORT: another program listens at 127.0.0.1:${holders[0]} already; end it, or set BACKLOT_PORT to another port (0 takes any free one)`,
        `BACKLOT_ROUTER_PORT: another program listens at 127.0.0.1:${holders[1]} already; end it, or set BACKLOT_ROUTER_PORT to another port (0 takes any free one)`,
      ],
    });
    expect(existsSync(join(data, "router.started"))).toBe(false);
  });

  it("gives up when a child says at its first start that its settings are not usable", async () => {
    const data = await temporaryFolder();
    await writeFile(join(data, "router.refuses"), "");
    const backlot = launch(data);
    expect(await backlot.next()).toEqual({ refused: ["router cannot run with these settings; it said why just above"] });
    expect(await once(backlot.process, "exit")).toEqual([2, null]);
    expect(await gone([(await recordOf(data, "router")).pid])).toEqual([]);
  });

  it("keeps trying a child that fails at its first start", async () => {
    const data = await temporaryFolder();
    await writeFile(join(data, "router.fails"), "");
    const backlot = launch(data);
    await expect.poll(() => existsSync(join(data, "router.started")), { timeout: 20_000 }).toBe(true);
    await rm(join(data, "router.fails"));
    expect(await backlot.next()).toHaveProperty("ready");
  });
});

async function holdPort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(async () => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function answers(url: string | undefined): Promise<boolean> {
  const client = new pg.Client(url ?? "");
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
