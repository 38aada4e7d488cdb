// A whole Backlot on the first node of a real swarm, and an orchestrator on each other node, with the folder of all sites shared.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "#orchestrator/runtime/process/run-command.ts";
import { type Backlot, checkout, prepareBacklot } from "./backlot.ts";
import { type ExtraRouter, planRouter } from "./extra-router.ts";
import { type Swarm, type SwarmGiven, type SwarmNode, startSwarm } from "./swarm.ts";
import { importImages, plainImage } from "./swarm-images.ts";

/** An orchestrator on a node of its own. */
export interface NodeOrchestrator {
  readonly node: SwarmNode;
  readonly url: string;
  /** It ends together with everything of its node. */
  crash(): Promise<void>;
}

/** What stands beside the nodes, and the Backlot's settings for it. */
export interface SwarmNeighbours extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
}

export interface SwarmBacklotGiven extends SwarmGiven {
  /** Sites run in the first one. */
  readonly images?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Settings of every orchestrator. */
  readonly everywhere?: Readonly<Record<string, string>>;
  /** A second router on the first node, with a HAProxy and an nginx of its own. */
  readonly twoRouters?: boolean;
  /** Starts what the Backlot uses. */
  readonly beside?: (swarm: Swarm) => Promise<SwarmNeighbours>;
}

export interface SwarmBacklot extends AsyncDisposable {
  readonly swarm: Swarm;
  readonly backlot: Backlot;
  readonly others: readonly NodeOrchestrator[];
  /** The second router, if there is one. */
  readonly second: ExtraRouter | null;
  /** Where visitors come in: at each router. */
  doors(): readonly [string, ...string[]];
}

const orchestratorPort = 7_100;
/** Of the second router: no engine chooses such a one for a site. */
const routerPorts = [7_200, 7_201] as const;
const program = [process.execPath, join(checkout, "bin/backlot.mjs")] as const;

/** Starts all of it, with `BACKLOT_EDGE` also HAProxy and nginx on the first node; sites run in the plain image unless others are given, the first of which is theirs then. */
export async function startSwarmBacklot(given: SwarmBacklotGiven = {}): Promise<SwarmBacklot> {
  const { images = [plainImage], environment = {}, everywhere = {} } = given;
  const swarm = await startSwarm({ nodes: 2, ...given });
  const ends: (() => PromiseLike<void>)[] = [() => swarm[Symbol.asyncDispose]()];
  const end = async (): Promise<void> => {
    for (const act of ends.splice(0).reverse()) await act();
  };
  try {
    await Promise.all(swarm.nodes.map((node) => importImages(node.docker, images)));
    const beside = await given.beside?.(swarm);
    if (beside !== undefined) ends.push(() => beside[Symbol.asyncDispose]());
    const [first, ...rest] = swarm.nodes;
    // Whoever measures looks into containers from this machine, too.
    const routers = [first.address, swarm.network.replace(".0/24", ".254")].join(",");
    const common = { BACKLOT_RUNTIME: "swarm", BACKLOT_SWARM_IMAGE: images[0] ?? plainImage, BACKLOT_SWARM_ROUTERS: routers, ...everywhere };
    const urls = rest.map((node) => `http://${node.address}:${orchestratorPort}`);
    const edge = environment.BACKLOT_EDGE === undefined ? {} : { BACKLOT_EDGE_SITE_NETWORKS: `${swarm.network}:${await portsOfSites(first)}` };
    const settings = { ...edge, ...environment, ...beside?.environment };
    const second = given.twoRouters === true ? await planRouter(settings, { host: first.address, ports: routerPorts, inNetwork: first.inNetwork }) : null;
    const backlot = await prepareBacklot({
      readyWithinMs: 180_000,
      command: [first.inNetwork[0] ?? "", ...first.inNetwork.slice(1), ...program, "start"],
      environment: {
        ...common,
        DOCKER_HOST: first.host,
        BACKLOT_HOST: first.address,
        BACKLOT_ORCHESTRATOR_URLS: urls.join(","),
        ...(second === null ? {} : { BACKLOT_ROUTER_URLS: second.adminUrl }),
        ...settings,
      },
    });
    const shared = { ...backlot.environment(), BACKLOT_SHARED_FOLDER: backlot.data };
    backlot.environment = () => shared;
    // Its sites' programs outlive it; they end with the swarm, and only then nothing of it is left.
    ends.unshift(() => backlot[Symbol.asyncDispose]());
    ends.push(() => backlot.kill("SIGTERM"));
    if (second !== null) ends.push(() => second[Symbol.asyncDispose]());
    await backlot.start();
    await second?.start(backlot);
    // A node that manages the swarm itself asks its own engine.
    const asked = given.managers === swarm.nodes.length ? {} : { BACKLOT_SWARM_MANAGER: first.host };
    const others = await Promise.all(rest.map((node) => startOther({ node, backlot, common: { ...common, ...asked } })));
    ends.push(async () => void (await Promise.all(others.map((other) => other.stop()))));
    const doors = (): readonly [string, ...string[]] => [backlot.router, ...(second === null ? [] : [second.door])];
    return { swarm, backlot, others, second, doors, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Out of which an engine chooses a site's port: as `32768-60999`. */
async function portsOfSites({ inNetwork }: SwarmNode): Promise<string> {
  return (await mustRun([...inNetwork, "cat", "/proc/sys/net/ipv4/ip_local_port_range"])).trim().replace(/\s+/, "-");
}

async function startOther(on: { readonly node: SwarmNode; readonly backlot: Backlot; readonly common: Readonly<Record<string, string>> }) {
  const { node, backlot, common } = on;
  const data = await mkdtemp(join(tmpdir(), "backlot-node-"));
  const env = {
    PATH: process.env.PATH,
    ...common,
    DOCKER_HOST: node.host,
    BACKLOT_DATA: data,
    BACKLOT_SHARED_FOLDER: backlot.data,
    BACKLOT_ORCHESTRATOR_HOST: node.address,
    BACKLOT_ORCHESTRATOR_PORT: String(orchestratorPort),
    BACKLOT_COMPONENT_KEY_FILE: join(backlot.data, "keys/orchestrator.json"),
    BACKLOT_LOG_LEVEL: "error",
  };
  const [file = "", ...before] = node.inNetwork;
  const child = spawn(file, [...before, ...program, "run", "orchestrator"], { cwd: data, env, stdio: ["ignore", "inherit", "inherit"] });
  return {
    node,
    url: `http://${node.address}:${orchestratorPort}`,
    crash: async () => {
      await node.crash();
      await ended(child, "SIGKILL");
    },
    stop: async () => {
      await ended(child, "SIGTERM");
      await rm(data, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}
