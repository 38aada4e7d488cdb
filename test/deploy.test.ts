// The files of deploy/: everything that they name exists, and the programs that read them can read them.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { originalNames } from "../src/original-names.ts";
import { configSchema as everyProcess } from "../src/process-config.ts";
import { serviceConfigs } from "../src/service-configs.ts";
import { services } from "../src/services.ts";
import { titled, whyNoProgram, whyNoSupervisor } from "./support/needs.ts";

const folder = join(import.meta.dirname, "../deploy");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

/** Every name that some process reads, and each with `_FILE`. */
const settings = new Set([...Object.keys(everyProcess.shape), ...originalNames.map(({ name }) => name)]);
for (const load of Object.values(serviceConfigs)) for (const name of Object.keys((await load()).shape)) settings.add(name);
for (const name of [...settings]) settings.add(`${name}_FILE`);

const unknown = (names: Iterable<string>): readonly string[] => [...names].filter((name) => !settings.has(name));
const schemaOf = async (service: string): Promise<z.ZodObject | undefined> =>
  service in serviceConfigs ? serviceConfigs[service as keyof typeof serviceConfigs]() : undefined;

/** What a process with these settings lacks. */
async function lacking(service: string, environment: ReadonlySet<string>): Promise<readonly string[]> {
  const schema = await schemaOf(service);
  if (schema === undefined) return [`there is no ${service}`];
  const required = Object.entries(schema.shape).filter(([, field]) => !z.safeParse(field, undefined).success);
  return required.flatMap(([name]) => (environment.has(name) || environment.has(`${name}_FILE`) ? [] : [name]));
}

const env = new Set(
  read("backlot.env")
    .split("\n")
    .flatMap((line) => /^#?([A-Z_]+)=/.exec(line)?.[1] ?? []),
);

describe("backlot.env", () => {
  it("names settings only, and no secret", () => {
    expect(unknown(env)).toEqual([]);
    expect(env).not.toContain("DATABASE_URL");
    expect(read("backlot.env")).not.toMatch(/:\/\/[^/\s]*:[^/\s]*@/);
  });
});

const noSupervisor = whyNoSupervisor();
const noSystemd = whyNoProgram("systemd-analyze");
const program = z.object({ name: z.string(), command: z.string(), environment: z.record(z.string(), z.string()), autorestart: z.boolean() });

describe.skipIf(noSupervisor !== null)(titled("supervisord.conf", noSupervisor), () => {
  const script = [
    "import json,sys",
    "from supervisor.options import ServerOptions",
    "from supervisor.datatypes import RestartUnconditionally",
    "o=ServerOptions(); o.realize(['-c', sys.argv[1]])",
    "print(json.dumps([dict(name=p.name, command=p.command, environment=dict(p.environment), autorestart=p.autorestart is RestartUnconditionally) for g in o.process_group_configs for p in g.process_configs]))",
  ].join("\n");
  const data = mkdtempSync(join(tmpdir(), "backlot-deploy-"));
  // It asks for the folder of its log.
  mkdirSync(join(data, "logs"));
  afterAll(() => rmSync(data, { recursive: true }));
  const environment = { PATH: process.env.PATH, APPDIR: "/with a blank/backlot", BACKLOT_DATA: data };
  const load = () =>
    z
      .array(program)
      .parse(JSON.parse(execFileSync("/usr/bin/python3", ["-c", script, join(folder, "supervisord.conf")], { encoding: "utf8", env: environment })));

  it("is read by supervisor as web, workers and the processes that run sites and tasks", () => {
    expect(load().map(({ name, command, autorestart }) => [name, command, autorestart])).toEqual([
      ["keys", 'node "/with a blank/backlot/bin/backlot.mjs" run keys', false],
      ["orchestrator", 'node "/with a blank/backlot/bin/backlot.mjs" run orchestrator', true],
      ["router", 'node "/with a blank/backlot/bin/backlot.mjs" run router', true],
      ["web", 'node "/with a blank/backlot/bin/backlot.mjs" run manager', true],
      ["ftp", 'node "/with a blank/backlot/bin/backlot.mjs" run ftp', true],
      ["shell", 'node "/with a blank/backlot/bin/backlot.mjs" run shell', true],
      ["worker_1", 'node "/with a blank/backlot/bin/backlot.mjs" run worker', true],
      ["worker_2", 'node "/with a blank/backlot/bin/backlot.mjs" run worker', true],
    ]);
  });

  it("gives each process what it requires, and the database to those only that may hold it", async () => {
    for (const { name, command, environment: own } of load()) {
      expect([name, unknown(Object.keys(own))]).toEqual([name, []]);
      const given = new Set([...env, ...Object.keys(own)].filter((key) => own[key] !== ""));
      expect([name, await lacking(command.split(" ").at(-1) ?? "", given)]).toEqual([name, []]);
      const holdsDatabase = given.has("DATABASE_URL_FILE") || given.has("BACKLOT_CLUSTER_KEY_FILE");
      if (name !== "keys") expect([name, holdsDatabase]).toEqual([name, name === "web" || name.startsWith("worker")]);
    }
  });
});

describe("the systemd units", () => {
  const units = readdirSync(join(folder, "systemd"));
  const processes = units.filter((name) => name.endsWith(".service"));

  it("run what there is, with what it requires", async () => {
    for (const unit of processes) {
      const text = read(`systemd/${unit}`);
      const [, command = "", service = ""] = /^ExecStart=\/usr\/bin\/env node \/opt\/backlot\/bin\/backlot\.mjs (start|run ([a-z]+))$/m.exec(text) ?? [];
      expect([unit, command]).not.toEqual([unit, ""]);
      if (command === "start") continue;
      expect([unit, Object.keys(services)]).toEqual([unit, expect.arrayContaining([service])]);
      const own = [...text.matchAll(/^Environment=([A-Z_]+)=/gm)].map(([, name = ""]) => name);
      const taken = /^UnsetEnvironment=(.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
      const given = new Set([...env].filter((name) => !taken.includes(name)).concat(own));
      expect([unit, unknown([...own, ...taken]), await lacking(service, given)]).toEqual([unit, [], []]);
      expect([unit, given.has("DATABASE_URL_FILE")]).toEqual([unit, service === "manager" || service === "worker"]);
    }
  });

  it.skipIf(noSystemd !== null)(titled("are understood by systemd", noSystemd), () => {
    const { stderr, status } = spawnSync("systemd-analyze", ["verify", "--man=no", ...units.map((unit) => join(folder, "systemd", unit))], {
      encoding: "utf8",
    });
    // It also speaks of units of the machine itself.
    const ours = stderr.split("\n").filter((line) => line.includes("backlot"));
    expect([status, ours]).toEqual([0, []]);
  });
});

const composeService = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  network_mode: z.string().optional(),
  ports: z.array(z.string()).optional(),
  secrets: z.array(z.union([z.string(), z.object({ source: z.string() })])).optional(),
  depends_on: z.record(z.string(), z.unknown()).optional(),
  volumes: z.array(z.string()).optional(),
  networks: z.array(z.string()).optional(),
  cap_add: z.array(z.string()).optional(),
});
/** As Compose reads it where nobody sets the variable: `${NAME:-default}`. */
const withDefaults = (value: string): string => value.replace(/\$\{[A-Z_]+:-([^}]*)\}/g, "$1");
const compose = z
  .object({
    services: z.record(z.string(), composeService),
    volumes: z.record(z.string(), z.unknown()),
    networks: z.record(z.string(), z.looseObject({ internal: z.boolean().optional() })),
    secrets: z.record(z.string(), z.object({ file: z.string() })),
  })
  .parse(parse(read("compose.yml"), { merge: true }));

describe("compose.yml", () => {
  it("has the original's web, db and mq, the worker, the processes that run sites and tasks, and Redis", () => {
    expect(Object.keys(compose.services).sort()).toEqual(["db", "ftp", "keys", "mq", "network", "orchestrator", "redis", "router", "shell", "web", "worker"]);
    expect(compose.services.web?.command).toEqual(["run", "manager"]);
  });

  it("sets what there is to set, and everything that is required", async () => {
    for (const [name, { image, command, environment = {} }] of Object.entries(compose.services)) {
      if (image !== "backlot" || command === undefined) continue;
      expect([name, unknown(Object.keys(environment))]).toEqual([name, []]);
      expect([name, await lacking(command[1] ?? "", new Set(Object.keys(environment)))]).toEqual([name, []]);
      const service = await schemaOf(command[1] ?? "");
      const values = Object.entries(environment).filter(([key]) => !key.endsWith("_FILE"));
      for (const [key, value] of values) {
        const field = service?.shape[key];
        if (field !== undefined) expect([name, key, z.safeParse(field, withDefaults(value)).success]).toEqual([name, key, true]);
      }
    }
  });

  it("names only what it declares, publishes nothing to the world, and holds no secret", () => {
    for (const [name, service] of Object.entries(compose.services)) {
      const secrets = (service.secrets ?? []).map((secret) => (typeof secret === "string" ? secret : secret.source));
      expect([name, secrets.filter((secret) => compose.secrets[secret] === undefined)]).toEqual([name, []]);
      expect([name, Object.keys(service.depends_on ?? {}).filter((other) => compose.services[other] === undefined)]).toEqual([name, []]);
      const volumes = (service.volumes ?? []).map((volume) => volume.split(":")[0] ?? "");
      expect([name, volumes.filter((volume) => !(volume in compose.volumes))]).toEqual([name, []]);
      expect([name, (service.ports ?? []).filter((port) => !port.startsWith("127.0.0.1:"))]).toEqual([name, []]);
      if (service.network_mode !== undefined) expect([name, service.network_mode]).toEqual([name, "service:network"]);
      const plain = Object.keys(service.environment ?? {}).filter(
        (key) => /(PASSWORD|_URL|SECRET)$/.test(key) && /^(DATABASE|AMQP|POSTGRES|RABBITMQ)/.test(key),
      );
      expect([name, plain]).toEqual([name, []]);
    }
    expect(read("compose.yml")).not.toMatch(/:\/\/[^/\s]*:[^/\s]*@/);
  });

  it("can put HAProxy and nginx before the router: both are in the image, and it may let nginx read every site's files", () => {
    const { environment = {}, cap_add: rights } = compose.services.router ?? {};
    expect(environment.BACKLOT_EDGE).toBe("$" + "{BACKLOT_EDGE:-embedded}");
    expect(rights).toEqual(["DAC_READ_SEARCH"]);
    const [, installed = ""] = /apt-get install -y --no-install-recommends (.*) \\/.exec(read("Dockerfile")) ?? [];
    // setpriv is of util-linux.
    expect(installed.split(" ")).toEqual(expect.arrayContaining(["haproxy", "nginx", "util-linux", "iproute2"]));
  });

  it("keeps answers in a Redis that is reached by Backlot's processes only, and forgets them with it", () => {
    expect(compose.services.router?.environment?.REDIS_URL).toBe("redis://redis:6379/0");
    expect(compose.networks).toEqual({ pages: { internal: true } });
    const members = Object.entries(compose.services).flatMap(([name, { networks = [] }]) => (networks.includes("pages") ? [[name, networks]] : []));
    expect(Object.fromEntries(members)).toEqual({ network: ["default", "pages"], redis: ["pages"] });
    expect([compose.services.redis?.ports, compose.services.redis?.volumes]).toEqual([undefined, undefined]);
  });

  it("gives the database's address to web and worker only", () => {
    const holders = Object.entries(compose.services).filter(([, service]) => JSON.stringify(service.secrets ?? []).includes("database-url"));
    expect(holders.map(([name]) => name).sort()).toEqual(["web", "worker"]);
  });
});
