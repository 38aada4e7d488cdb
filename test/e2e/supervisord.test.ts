// deploy/supervisord.conf as it is shipped, under Debian's supervisor, with Debian's PostgreSQL and RabbitMQ: web and two workers run tasks.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminPassword, checkout } from "../support/backlot.ts";
import { belongsTo, killIfThere, type ProcessInfo, processesWhere } from "../support/backlot-processes.ts";
import { type DebianPostgres, startDebianPostgres, whyNoDebianPostgres } from "../support/debian-postgres.ts";
import { firstMissing, titled, whyNoProgram } from "../support/needs.ts";
import { rabbitmqMissing, startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.ts";

const run = promisify(execFile);
const configuration = join(checkout, "deploy", "supervisord.conf");
const missing = firstMissing(whyNoProgram("supervisord"), rabbitmqMissing(), await whyNoDebianPostgres());

let data: string;
let database: DebianPostgres;
let broker: TestRabbitmq;
let manager: string;
let environment: NodeJS.ProcessEnv;
let supervisord: ChildProcess;
let output = "";

describe.skipIf(missing !== null)(titled("supervisord with deploy/supervisord.conf", missing), () => {
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), "backlot-supervisord-"));
    await mkdir(join(data, "logs"));
    [database, broker] = await Promise.all([startDebianPostgres(), startRabbitmq()]);
    const [web = 0, sites = 0, orchestrator = 0, router = 0, ftp = 0, ssh = 0] = await freePorts(6);
    manager = `http://127.0.0.1:${web}`;
    // What an administrator writes into a copy of deploy/backlot.env; test/deploy.test.ts holds that one to the same names.
    environment = {
      PATH: `${join(checkout, "node_modules/.bin")}:${process.env.PATH}`,
      HOME: data,
      APPDIR: checkout,
      BACKLOT_DATA: data,
      BACKLOT_CLUSTER_KEY_FILE: join(data, "keys", "cluster.json"),
      BACKLOT_PORT: String(web),
      BACKLOT_PUBLIC_URL: manager,
      BACKLOT_MANAGER_URL: manager,
      BACKLOT_ROUTER_PORT: String(sites),
      BACKLOT_FTP_PORT: String(ftp),
      BACKLOT_SSH_PORT: String(ssh),
      BACKLOT_ORCHESTRATOR_PORT: String(orchestrator),
      BACKLOT_ORCHESTRATOR_URL: `http://127.0.0.1:${orchestrator}`,
      BACKLOT_ROUTER_ADMIN_PORT: String(router),
      BACKLOT_ROUTER_URLS: `http://127.0.0.1:${router}`,
      BACKLOT_ADMIN_PASSWORD: adminPassword,
      DATABASE_URL: database.url,
      AMQP_URL: broker.url,
      BACKLOT_TASK_CONCURRENCY: "2",
    };
    supervisord = spawn("supervisord", ["--nodaemon", "--configuration", configuration], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    const take = (chunk: Buffer): void => {
      output = `${output}${chunk.toString()}`.slice(-100_000);
    };
    supervisord.stdout?.on("data", take);
    supervisord.stderr?.on("data", take);
    await until("the manager is ready", async () => (await fetch(`${manager}/readyz`).catch(() => undefined))?.ok === true);
  });
  afterAll(async () => {
    if (supervisord !== undefined && supervisord.exitCode === null) {
      const gone = once(supervisord, "exit");
      supervisord.kill("SIGTERM");
      await gone;
    }
    for (const { pid } of processes()) killIfThere(pid);
    await broker?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
    await rm(data, { recursive: true, force: true, maxRetries: 5 });
  });

  it("makes the keys once, and keeps ftp, shell, web, router, orchestrator and two workers running", async () => {
    const running = {
      ftp: "RUNNING",
      keys: "EXITED",
      orchestrator: "RUNNING",
      router: "RUNNING",
      shell: "RUNNING",
      web: "RUNNING",
      "worker:worker_1": "RUNNING",
      "worker:worker_2": "RUNNING",
    };
    await until("everything runs", async () => JSON.stringify(await states()) === JSON.stringify(running));
  });

  it("runs tasks that the broker announces", async () => {
    await until("the workers have their queue", async () =>
      (await broker.control("list_queues", "name", "consumers")).split("\n").some((line) => /^tasks\S*\s+2$/.test(line)),
    );
    const ids = await Promise.all(Array.from({ length: 6 }, (_, index) => create("touch.sh", `file-${index}`)));
    for (const id of ids) expect(await retcodeOf(id)).toBe(0);
    for (let index = 0; index < 6; index += 1) expect((await stat(join(data, "homedir", `file-${index}`))).isFile()).toBe(true);
  });

  it("has each worker say that it is ready, to whoever asks as deploy/health.mjs does", async () => {
    const ask = async (place: string) =>
      run(process.execPath, [join(checkout, "deploy/health.mjs"), place]).then(
        () => "ready",
        (error: { stderr: string }) => error.stderr,
      );
    for (const place of [join(data, "worker_1.sock"), join(data, "worker_2.sock"), manager])
      await until(`${place} is ready`, async () => (await ask(place)) === "ready");
    expect(await ask(join(data, "worker_3.sock"))).toContain("ENOENT");
  });

  it("lets the database and the broker be known to web and workers only", async () => {
    const knowing: string[] = [];
    for (const { pid, command } of processes().filter((info) => info.command.includes("backlot.mjs run"))) {
      const text = await readFile(`/proc/${pid}/environ`, "utf8");
      if (text.includes(database.url) || text.includes(broker.url)) knowing.push(command.split(" ").at(-1) ?? "");
    }
    expect([...new Set(knowing)].sort()).toEqual(["manager", "worker"]);
  });

  it("starts a worker again that was killed, and tasks go on meanwhile", async () => {
    const { stdout } = await control("pid", "worker:worker_1");
    const before = Number(stdout.trim());
    killIfThere(before);
    const id = await create("touch.sh", "after-the-kill");
    expect(await retcodeOf(id)).toBe(0);
    await until("there is another worker_1", async () => {
      const now = Number((await control("pid", "worker:worker_1")).stdout.trim());
      return now !== before && now > 0 && (await states())["worker:worker_1"] === "RUNNING";
    });
  });

  it("starts each task once, those that wait and those that run, when PostgreSQL is killed and started again", async () => {
    const hold = '#!/bin/sh\necho "$1" >> starts.log\nuntil [ -e go ]; do sleep 0.05; done\n';
    await writeFile(join(data, "scripts", "hold.sh"), hold, { mode: 0o755 });
    const names = Array.from({ length: 10 }, (_, index) => `held-${index}`);
    const ids = await Promise.all(names.map((name) => create("hold.sh", name)));
    const started = async () => (await readFile(join(data, "homedir", "starts.log"), "utf8").catch(() => "")).split("\n").filter(Boolean);
    // Two workers with two slots each.
    await until("four run and six wait", async () => (await unended()) === "queued 6, running 4" && (await started()).length === 4);
    await database.restart();
    await writeFile(join(data, "homedir", "go"), "");
    for (const id of ids) expect(await retcodeOf(id)).toBe(0);
    expect((await started()).toSorted()).toEqual(names);
  }, 150_000);

  it("ends everything when it is told to end", async () => {
    const gone = once(supervisord, "exit");
    supervisord.kill("SIGTERM");
    expect(await gone).toEqual([0, null]);
    await until("no process is left", async () => processes().length === 0);
  });
});

function processes(): readonly ProcessInfo[] {
  const name = basename(data);
  return processesWhere(({ pid }) => pid !== process.pid && belongsTo(pid, name));
}

async function control(...args: readonly string[]): Promise<{ readonly stdout: string }> {
  // It ends with an error when a program is not running; what it says is the same.
  return run("supervisorctl", ["--configuration", configuration, ...args], { env: environment }).catch((error: { readonly stdout?: string }) => ({
    stdout: error.stdout ?? "",
  }));
}

async function states(): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await control("status");
  return Object.fromEntries(stdout.split("\n").flatMap((line) => (/^(\S+)\s+([A-Z]+)/.exec(line) === null ? [] : [line.split(/\s+/).slice(0, 2)])));
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 90_000;
  while (!(await isSo())) {
    if (Date.now() > deadline)
      throw new Error(
        `${what}: not yet\n${JSON.stringify(await states())}\n${output}\n${await readFile(join(data, "logs", "web.log"), "utf8").catch(() => "")}`,
      );
    await delay(100);
  }
}

const authorization = `Basic ${Buffer.from(`admin:${adminPassword}`).toString("base64")}`;

async function create(script: string, argument: string): Promise<number> {
  const answer = await fetch(`${manager}/task/create`, {
    method: "POST",
    headers: { authorization },
    body: JSON.stringify({ script, arguments: { "": argument } }),
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: number }).id;
}

async function retcodeOf(id: number): Promise<number | null> {
  let code: number | null = null;
  await until(`task ${id} has ended`, async () => {
    const answer = await fetch(`${manager}/task/view/pk:${id}`, { headers: { authorization } });
    // The database may be away for a moment.
    if (answer.status === 503) return false;
    code = ((await answer.json()) as { retcode: number | null }).retcode;
    return code !== null;
  });
  return code;
}

async function unended(): Promise<string> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    const text = "select state || ' ' || count(*) as said from tasks where state in ('queued', 'running') group by state order by state";
    const { rows } = await client.query<{ readonly said: string }>(text);
    return rows.map(({ said }) => said).join(", ");
  } finally {
    await client.end();
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
