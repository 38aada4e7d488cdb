// A real Docker swarm of one node or several on this machine: each node is a dockerd in a network namespace of its own, on a bridge in
// another one. Everything of it lies in one temporary folder and ends with `dispose`.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Docker from "dockerode";
import { findProgram } from "#orchestrator/runtime/process/machine-programs.ts";
import { mustRun, runCommand } from "#orchestrator/runtime/process/run-command.ts";
import { endProcess, kill, processesWhose, removeGroups, thaw } from "./swarm-leftovers.ts";

const needed = ["dockerd", "containerd", "ip", "nft", "nsenter", "unshare", "iptables"] as const;
const path = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Why no swarm can be started here; null when one can. */
export function whyNoSwarm(): string | null {
  if (process.getuid?.() !== 0) return "only root can start dockerd";
  const missing = needed.filter((name) => findProgram(name) === null);
  return missing.length === 0 ? null : `${missing.join(", ")} is not installed`;
}

export interface SwarmNode {
  readonly name: string;
  readonly docker: Docker;
  /** As DOCKER_HOST says it. */
  readonly host: string;
  /** What the swarm and routers know it by. */
  readonly address: string;
  /** Put before a command to run it in the node's network. */
  readonly inNetwork: readonly string[];
  /** Ends its dockerd, in order or as `kill -9` does. Its containers go with it in order, and live on otherwise. */
  stop(how: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Starts its dockerd again. */
  start(): Promise<void>;
  /** Everything of it ends at once and nobody hears of it, as when its power goes. */
  crash(): Promise<void>;
  /** Cuts it from the others, or back. */
  cut(isCut: boolean): Promise<void>;
}

export interface Swarm extends AsyncDisposable {
  readonly nodes: readonly [SwarmNode, ...SwarmNode[]];
  /** The network of all nodes, this machine included. */
  readonly network: string;
  /** Put before a command to run it in the network between the nodes, which is nobody's. */
  readonly inBetween: readonly string[];
  readonly folder: string;
}

export interface SwarmGiven {
  readonly nodes?: number;
  /** How many of them manage the swarm. */
  readonly managers?: number;
  /** Which of them begins the swarm and leads it, by its place; the first one by default. */
  readonly leader?: number;
  /** Subnet of each node's bridge: how many containers it carries. */
  readonly bridgeBits?: number;
  readonly dockerdArguments?: readonly string[];
}

/** Starts one. What it began is ended also when it cannot be finished. */
export async function startSwarm(given: SwarmGiven = {}): Promise<Swarm> {
  const id = randomBytes(3).toString("hex");
  const place: Place = {
    id,
    folder: mkdtempSync(join(tmpdir(), "backlot-swarm-")),
    // One of 200 networks: swarms of tests that run beside each other seldom meet, and look again where they do.
    subnet: await freeSubnet(),
  };
  const nodes: Node[] = [];
  try {
    await makeBridge(place);
    for (let index = 1; index <= (given.nodes ?? 1); index += 1) nodes.push(new Node(place, index, given));
    await Promise.all(nodes.map((node) => node.open()));
    const leader = given.leader ?? 0;
    await join_([...nodes.slice(leader, leader + 1), ...nodes.toSpliced(leader, 1)], given.managers ?? 1);
    const [first, ...others] = nodes;
    if (first === undefined) throw new Error("a swarm has a node at least");
    return {
      nodes: [first, ...others],
      network: `${place.subnet}.0/24`,
      inBetween: [findProgram("nsenter") ?? "nsenter", `--net=/run/netns/${bridgeSpace(place)}`],
      folder: place.folder,
      [Symbol.asyncDispose]: () => end(place, nodes),
    };
  } catch (error) {
    await end(place, nodes);
    throw error;
  }
}

interface Place {
  readonly id: string;
  readonly folder: string;
  /** Its first three numbers. */
  readonly subnet: string;
}

async function freeSubnet(): Promise<string> {
  const taken = await ip("-4", "-o", "address");
  const free = Array.from({ length: 200 }, (_, index) => `10.98.${index + 20}`).filter((subnet) => !taken.includes(`${subnet}.`));
  return free[randomBytes(1).readUInt8() % free.length] ?? "10.98.19";
}

const ip = (...words: readonly string[]): Promise<string> => mustRun([findProgram("ip") ?? "ip", ...words]);
const bridgeSpace = (place: Place): string => `blsw${place.id}`;
const hostLink = (place: Place): string => `bs${place.id}`;

async function makeBridge(place: Place): Promise<void> {
  const space = bridgeSpace(place);
  await ip("netns", "add", space);
  await ip("-n", space, "link", "add", "br0", "type", "bridge");
  await ip("-n", space, "link", "set", "br0", "up");
  await ip("link", "add", hostLink(place), "type", "veth", "peer", "name", "host", "netns", space);
  await ip("-n", space, "link", "set", "host", "master", "br0", "up");
  await ip("address", "add", `${place.subnet}.254/24`, "dev", hostLink(place));
  await ip("link", "set", hostLink(place), "up");
}

class Node implements SwarmNode {
  readonly name: string;
  readonly docker: Docker;
  readonly host: string;
  readonly address: string;
  readonly inNetwork: readonly string[];
  readonly folder: string;
  readonly #place: Place;
  readonly #index: number;
  readonly #given: SwarmGiven;
  #child: ChildProcess | null = null;

  constructor(place: Place, index: number, given: SwarmGiven) {
    this.#place = place;
    this.#index = index;
    this.#given = given;
    this.name = `blsw${place.id}n${index}`;
    this.folder = join(place.folder, `n${index}`);
    this.address = `${place.subnet}.${index}`;
    this.host = `unix://${this.folder}/docker.sock`;
    this.docker = new Docker({ socketPath: `${this.folder}/docker.sock`, version: "v1.41" });
    this.inNetwork = [findProgram("nsenter") ?? "nsenter", `--net=/run/netns/${this.name}`];
  }

  async open(): Promise<void> {
    const { subnet } = this.#place;
    const space = bridgeSpace(this.#place);
    await ip("netns", "add", this.name);
    await ip("-n", this.name, "link", "set", "lo", "up");
    await ip("link", "add", "eth0", "netns", this.name, "type", "veth", "peer", "name", `n${this.#index}`, "netns", space);
    await ip("-n", space, "link", "set", `n${this.#index}`, "master", "br0", "up");
    await ip("-n", this.name, "address", "add", `${this.address}/24`, "dev", "eth0");
    await ip("-n", this.name, "link", "set", "eth0", "up");
    await ip("-n", this.name, "route", "add", "default", "via", `${subnet}.254`);
    mkdirSync(this.folder, { recursive: true });
    await this.start();
  }

  async start(): Promise<void> {
    rmSync(join(this.folder, "pid"), { force: true });
    const log = openSync(join(this.folder, "log"), "a");
    const dockerd = [
      ...["dockerd", "--data-root", join(this.folder, "data"), "--exec-root", join(this.folder, "exec"), "--pidfile", join(this.folder, "pid")],
      ...["-H", this.host, "--cgroup-parent", `/${this.name}`, "--bip", `172.30.${this.#index}.1/${this.#given.bridgeBits ?? 24}`],
      // On a machine with systemd and control groups of version 2 the engine would leave them to systemd, which knows no group of such a name.
      ...["--exec-opt", "native.cgroupdriver=cgroupfs"],
      ...["--userland-proxy=false", "--icc=false", "--no-new-privileges", "--shutdown-timeout", "3"],
      ...(this.#given.dockerdArguments ?? []),
    ];
    const own = ["unshare", "-u", "sh", "-c", 'hostname "$0"; exec "$@"', this.name, ...dockerd];
    const [file = "", ...rest] = [...this.inNetwork, ...own];
    const env = { PATH: path, DOCKER_SERVICE_PREFER_OFFLINE_IMAGE: "1" };
    const child = spawn(file, rest, { env, stdio: ["ignore", log, log], detached: true });
    closeSync(log);
    this.#child = child;
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`dockerd ended with ${child.exitCode}: ${this.lastWords()}`);
      await this.docker.ping();
      return true;
    }, 60_000);
  }

  async stop(how: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(how);
    await Promise.race([gone, delay(20_000, undefined, { ref: false })]);
    child.kill("SIGKILL");
    await gone;
    // Its containerd outlives one that was killed, and would be in the way of the next.
    const pidFile = join(this.folder, "exec/containerd/containerd.pid");
    if (existsSync(pidFile)) await endProcess(Number(readFileSync(pidFile, "utf8")));
    rmSync(pidFile, { force: true });
  }

  async crash(): Promise<void> {
    await this.cut(true);
    this.#child?.kill("SIGKILL");
    thaw(this.name);
    for (const pid of processesWhose((groups, line) => groups.includes(`/${this.name}/`) || line.includes(`${this.folder}/`))) kill(pid);
    await this.stop("SIGKILL");
  }

  async cut(isCut: boolean): Promise<void> {
    await ip("-n", bridgeSpace(this.#place), "link", "set", `n${this.#index}`, isCut ? "down" : "up");
  }

  lastWords(): string {
    return readFileSync(join(this.folder, "log"), "utf8").slice(-1_500);
  }
}

async function join_(nodes: readonly Node[], managers: number): Promise<void> {
  const [first, ...others] = nodes;
  if (first === undefined) return;
  await first.docker.swarmInit({ AdvertiseAddr: first.address, ListenAddr: `${first.address}:2377`, DataPathAddr: first.address });
  const inspected: unknown = await first.docker.swarmInspect();
  // What the engine says of a swarm, which its types leave open.
  const { JoinTokens: tokens } = inspected as { readonly JoinTokens: { readonly Manager: string; readonly Worker: string } };
  for (const [index, node] of others.entries()) {
    await node.docker.swarmJoin({
      AdvertiseAddr: node.address,
      ListenAddr: `${node.address}:2377`,
      RemoteAddrs: [`${first.address}:2377`],
      JoinToken: index + 1 < managers ? tokens.Manager : tokens.Worker,
    });
  }
}

/** A node that manages the swarm, as the swarm itself sees it. */
export interface SeenManager {
  readonly address: string;
  readonly reach: string;
  readonly isLeader: boolean;
}

/** Asked of a manager. The types of the library say less of a node. */
export async function managersOf(docker: Docker): Promise<readonly SeenManager[]> {
  const nodes = (await docker.listNodes()) as readonly {
    readonly ManagerStatus?: { readonly Addr: string; readonly Reachability: string; readonly Leader?: boolean };
  }[];
  return nodes.flatMap(({ ManagerStatus: status }) =>
    status === undefined ? [] : [{ address: status.Addr, reach: status.Reachability, isLeader: status.Leader === true }],
  );
}

async function end(place: Place, nodes: readonly Node[]): Promise<void> {
  for (const node of nodes) thaw(node.name);
  // In order they would be given their grace, one after the other.
  for (const pid of processesWhose((cgroups) => nodes.some((node) => cgroups.includes(`/${node.name}/`)))) kill(pid);
  await Promise.all(nodes.map((node) => node.stop("SIGTERM")));
  for (const pid of processesWhose((_groups, line) => line.includes(place.folder))) await endProcess(pid);
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .flatMap((line) => line.split(" ")[1] ?? [])
    .filter((target) => target.startsWith(`${place.folder}/`));
  for (const target of mounts.reverse()) await runCommand([findProgram("umount") ?? "umount", "-l", target]);
  for (const space of [...nodes.map(({ name }) => name), bridgeSpace(place)]) await runCommand([findProgram("ip") ?? "ip", "netns", "delete", space]);
  await runCommand([findProgram("ip") ?? "ip", "link", "delete", hostLink(place)]);
  for (const node of nodes) removeGroups(node.name);
  rmSync(place.folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Waits until something is so; failures count as "not yet" until the time is over. */
export async function until(isSo: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = new Error(`it did not come to be so within ${timeoutMs} ms`);
  while (performance.now() < deadline) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    await delay(30);
  }
  throw last;
}
