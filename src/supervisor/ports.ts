import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";

/** A place where a server is going to listen. */
export interface Door {
  /** The setting that moves it, for the message to a person; internal doors have none. */
  readonly setting?: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** The ports of these doors, all different, all free at this moment; what cannot be had is a line for a person. */
export async function choosePorts(doors: readonly Door[]): Promise<{ readonly ports: readonly number[]; readonly problems: readonly string[] }> {
  const given = new Set(doors.map((door) => door.port));
  const lowest = await lowestEphemeralPort();
  const ports: number[] = [];
  const problems: string[] = [];
  for (const door of doors) {
    const port = door.port === 0 ? await anyFreePort(door.host, given, lowest) : door.port;
    ports.push(port);
    const code = door.port === 0 ? undefined : await refusal(door.host, port);
    if (code !== undefined) problems.push(explain(door, code));
  }
  const repeated = doors.find((door, index) => door.port !== 0 && doors.some((other, at) => at < index && other.port === door.port));
  if (repeated) problems.push(`${repeated.setting}: the port ${repeated.port} is given to two doors; change one of them`);
  return { ports, problems };
}

// Below the range from which outgoing connections take their ports: a server that is started again must find its port
// free, and while it was away a connection could have got one of that range.
async function anyFreePort(host: string, given: ReadonlySet<number>, lowestEphemeral: number): Promise<number> {
  const lowest = Math.max(1024, lowestEphemeral - 12_000);
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = lowestEphemeral > lowest + 100 ? randomInt(lowest, lowestEphemeral) : randomInt(10_000, 30_000);
    if (!given.has(port) && (await refusal(host, port)) === undefined && (await promise(port))) return port;
  }
  throw new Error(`no free port was found at ${host}`);
}

// Between this choice and the moment when a child listens, another supervisor could choose the same: each shows what it has
// chosen by a name in Linux' abstract namespace, for as long as it lives.
function promise(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => void socket.destroy());
    server.on("error", () => resolve(false));
    server.listen(`\0backlot/port/${port}`, () => resolve(true));
    server.unref();
  });
}

async function lowestEphemeralPort(): Promise<number> {
  const usual = 32_768;
  const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8").catch(() => String(usual));
  return Number.parseInt(range, 10) || usual;
}

// Listening is the only honest question: a connect would not see a port that is taken at another address.
function refusal(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function explain(door: Door, code: string): string {
  const at = `${door.host}:${door.port}`;
  if (code === "EADDRINUSE")
    return `${door.setting}: another program listens at ${at} already; end it, or set ${door.setting} to another port (0 takes any free one)`;
  if (code === "EACCES") return `${door.setting}: this user may not listen at ${at}; set ${door.setting} to a port from 1024 up`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return `BACKLOT_HOST: this machine has no address ${door.host}`;
  return `${door.setting}: cannot listen at ${at} (${code})`;
}
