// The real broker as Debian ships it, on free loopback ports and in a temporary folder: no other broker of the machine is touched.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const programs = { server: "/usr/lib/rabbitmq/bin/rabbitmq-server", control: "/usr/lib/rabbitmq/bin/rabbitmqctl", epmd: "/usr/bin/epmd" };
/** A busy machine starts Erlang slowly. */
const startMs = 90_000;

/** Why there is no broker here; null where there is one. */
export function rabbitmqMissing(): string | null {
  for (const program of Object.values(programs)) {
    try {
      accessSync(program, constants.X_OK);
    } catch {
      return `${program} is not installed (Debian's rabbitmq-server)`;
    }
  }
  return null;
}

/** A broker of one test file's own. */
export interface TestRabbitmq extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Starts it again on the same port; `isWiped` forgets all that it kept. */
  restart(options?: { readonly isWiped?: boolean }): Promise<void>;
  /** Stops and continues the whole server: connections stay open, nothing answers. */
  pause(): void;
  resume(): void;
  /** `rabbitmqctl`; its output. */
  control(...given: readonly string[]): Promise<string>;
}

/** Starts a broker; it dies with this process. */
export async function startRabbitmq(): Promise<TestRabbitmq> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-rabbitmq-"));
  const [port, distribution, names] = await freePorts(3);
  const env = await brokerEnvironment(folder, { port, distribution, names });
  const epmd = spawnMortal([programs.epmd, "-address", "127.0.0.1", "-port", String(names)], env);
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    // Its process is the Erlang machine itself: no shell stands between that would survive it.
    server = spawnMortal([programs.server], env);
    await untilItAnswers(port, server);
  };
  const kill = async (): Promise<void> => {
    if (server !== undefined) await end(server);
  };
  const broker: TestRabbitmq = {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    kill,
    async stop() {
      if (server !== undefined) await end(server, "SIGTERM");
    },
    async restart(options = {}) {
      await kill();
      if (options.isWiped === true) await rm(join(folder, "mnesia"), { recursive: true, force: true });
      await start();
    },
    pause: () => void server?.kill("SIGSTOP"),
    resume: () => void server?.kill("SIGCONT"),
    control: async (...given) => (await promisify(execFile)(programs.control, ["--quiet", "--node", env.RABBITMQ_NODENAME, ...given], { env })).stdout,
    async [Symbol.asyncDispose]() {
      await kill();
      await end(epmd);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  try {
    await start();
    return broker;
  } catch (error) {
    await broker[Symbol.asyncDispose]();
    throw error;
  }
}

interface Ports {
  readonly port: number;
  readonly distribution: number;
  /** Of the Erlang name server. */
  readonly names: number;
}

async function brokerEnvironment(folder: string, ports: Ports) {
  await mkdir(join(folder, "home"));
  await writeFile(join(folder, "home", ".erlang.cookie"), randomBytes(16).toString("hex"), { mode: 0o400 });
  await writeFile(join(folder, "rabbitmq.conf"), `listeners.tcp.default = 127.0.0.1:${ports.port}\ndisk_free_limit.absolute = 50MB\n`);
  await writeFile(join(folder, "plugins"), "[].\n");
  const loopback = "{127,0,0,1}";
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    HOME: join(folder, "home"),
    LANG: "C.UTF-8",
    RABBITMQ_NODENAME: `backlot-${randomBytes(4).toString("hex")}@localhost`,
    RABBITMQ_NODE_PORT: String(ports.port),
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_CONF_ENV_FILE: join(folder, "none.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_PID_FILE: join(folder, "pid"),
    // Two cores shared with the tests: waiting schedulers must not spin.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface ${loopback}`,
    RABBITMQ_CTL_ERL_ARGS: `-kernel inet_dist_use_interface ${loopback}`,
    ERL_EPMD_PORT: String(ports.names),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RUNNING_UNDER_SYSTEMD: "1",
  };
}

/** Started so that the kernel ends it when this process ends, however that happens. */
function spawnMortal(command: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...command], { env, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout?.resume();
  child.stderr?.resume();
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

async function untilItAnswers(port: number, server: ChildProcess): Promise<void> {
  const said: string[] = [];
  const hear = (chunk: unknown): void => void said.push(String(chunk));
  server.stdout?.on("data", hear);
  server.stderr?.on("data", hear);
  const deadline = Date.now() + startMs;
  try {
    while (!(await answers(port))) {
      if (server.exitCode !== null || server.signalCode !== null) throw new Error(`RabbitMQ did not start: ${said.join("").slice(-2000)}`);
      if (Date.now() > deadline) throw new Error(`RabbitMQ did not answer: ${said.join("").slice(-2000)}`);
      await delay(50);
    }
  } finally {
    server.stdout?.off("data", hear);
    server.stderr?.off("data", hear);
    server.stdout?.resume();
    server.stderr?.resume();
  }
}

/** Whether a broker speaks on this port: it answers the greeting of the protocol. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const done = (isThere: boolean) => () => {
      socket.destroy();
      resolve(isThere);
    };
    socket.setTimeout(2_000, done(false));
    socket.on("error", done(false));
    socket.on("close", done(false));
    socket.on("connect", () => socket.write(Buffer.from("AMQP\0\0\x09\x01", "latin1")));
    socket.on("data", done(true));
  });
}

async function freePorts(count: number): Promise<readonly [number, number, number]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return address.port;
  });
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  const [first = 0, second = 0, third = 0] = ports;
  return [first, second, third];
}
