import { randomUUID } from "node:crypto";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { steadyClock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import { Lane } from "#orchestrator/sites/lane.ts";
import type { RunFolders } from "../process/mount-view.ts";
import { findNameServers } from "../process/name-servers.ts";
import type { RuntimeCapabilities } from "../site-runtime.ts";
import { BridgeFirewall } from "./bridge-firewall.ts";
import { roomOnBridge } from "./bridge-room.ts";
import { openRunGroups, type RunGroups } from "./container-groups.ts";
import { startDisposable } from "./disposable.ts";
import { connectEngine, type Engine, type EngineAddress, isAtLeast } from "./engine.ts";
import { EngineEvents } from "./engine-events.ts";
import { swapBytes } from "./hold-memory.ts";
import { ImageShells } from "./image-shells.ts";
import { declaredVolumes } from "./image-volumes.ts";
import { readMultiplexed } from "./multiplexed.ts";
import { PortBook } from "./port-book.ts";
import { SiteServices } from "./site-services.ts";
import { skipResting } from "./skip-ports.ts";
import type { SwarmMachine } from "./swarm-machine.ts";
import { SwarmManagers } from "./swarm-managers.ts";
import { WayOut } from "./way-out.ts";

/** What a machine of a swarm is prepared with. */
export interface SwarmOptions {
  /** Names this Backlot among others in the swarm. */
  readonly installation: string;
  /** The engine of this node. */
  readonly engine: EngineAddress;
  /** Engines that manage the swarm, where this node's does not: one of them is asked, the next one when it does not answer. */
  readonly managers: readonly EngineAddress[];
  readonly defaultImage: string;
  /** Where routers reach the ports of this node; by default the address by which the swarm knows it. */
  readonly nodeAddress: string | null;
  readonly routers: readonly string[];
  readonly closedNetworks: readonly string[];
  readonly databaseFolder: string | null;
  readonly home: RunFolders | null;
  /** Put before `nft`: a way into the network namespace of the engine, where that is not ours. */
  readonly inEngineNetwork: readonly string[];
  readonly nameServers: readonly string[] | null;
  /** What this orchestrator keeps for the one after it. */
  readonly stateFolder: string;
  readonly log: Log;
}

/** How long an engine may take that is started again. */
const restartMs = 30_000;
/** From this version on a service can forbid its programs to gain rights. */
const privilegesApi = "1.46";

/** Finds out what this node can do, by trying. @throws in words when there is no engine to work with. */
export async function prepareMachine(options: SwarmOptions): Promise<SwarmMachine> {
  const { installation, log } = options;
  const engine = await connectEngine(options.engine);
  const managers = new SwarmManagers(addressesOfManagers(options));
  const own = new SwarmManagers([options.engine], { patienceMs: restartMs });
  const node = await placeOf(engine);
  const nameServers = options.nameServers ?? findNameServers();
  // One of its own: what it listens to ends now and then, which says nothing of the manager that others ask.
  const firewall = await BridgeFirewall.open(options, { managers: new SwarmManagers(addressesOfManagers(options)), docker: engine.docker, nameServers });
  const events = await EngineEvents.open(engine.docker, { installation, log }).catch(async (error: unknown) => {
    await firewall.close();
    throw error;
  });
  try {
    const found = await look(engine, events, options);
    const services = new SiteServices({ managers, installation });
    const ports = new PortBook({ folder: options.stateFolder, clock: steadyClock });
    const [wayOut, skipping] = [new WayOut((ip) => firewall.letOut(ip)), new Lane()];
    return {
      installation,
      docker: engine.docker,
      events,
      shells: new ImageShells(),
      inEngineNetwork: options.inEngineNetwork,
      services,
      ...{ nodeId: node.id, nodeAddress: options.nodeAddress ?? node.address },
      defaultImage: options.defaultImage,
      canForbidPrivileges: isAtLeast(engine.apiVersion, privilegesApi),
      databaseFolder: options.databaseFolder,
      home: options.home,
      nameServers,
      capabilities: async () => capabilitiesOf(found, [...(await firewall.missing()), ...found.missing], nameServers),
      trouble: () => firewall.trouble(),
      runGroups: found.runGroups,
      whenThere: (ask) => own.ask(ask),
      room: () => own.ask(() => roomOnBridge(engine.docker, options.inEngineNetwork)),
      volumesOf: (image) => own.ask(() => declaredVolumes(engine.docker, image)),
      ports,
      skipPorts: () => skipping.run(() => skipResting(engine.docker, ports, options)),
      letOut: (ip, hasEgress) => wayOut.open(ip, hasEgress),
      close: async () => {
        services.close();
        events.close();
        await firewall.close();
      },
    };
  } catch (error) {
    events.close();
    await firewall.close();
    throw error;
  }
}

function addressesOfManagers({ managers, engine }: SwarmOptions): readonly EngineAddress[] {
  return managers.length === 0 ? [engine] : managers;
}

interface Found {
  readonly missing: readonly string[];
  readonly runGroups: RunGroups | null;
  readonly limits: RuntimeCapabilities["limits"];
}

function capabilitiesOf({ limits }: Found, missing: readonly string[], nameServers: readonly string[]): RuntimeCapabilities {
  return {
    isolates: missing.length === 0,
    missing,
    limits,
    freezes: true,
    freezeNote: null,
    egress: { isAvailable: missing.length === 0, notes: nameServers.length > 0 ? [] : ["No name server was found that containers can reach."] },
  };
}

/** The place of an engine in its swarm. @throws in words when it has none. */
async function placeOf({ docker }: Engine): Promise<{ readonly id: string; readonly address: string }> {
  const { Swarm: swarm } = await docker.info();
  if (swarm?.LocalNodeState !== "active") throw new Error("the Docker engine is in no swarm: run `docker swarm init`, or join one");
  return { id: String(swarm.NodeID), address: String(swarm.NodeAddr) };
}

/** Tries a container of the default image: what holds in it holds in sites'. */
async function look(engine: Engine, events: EngineEvents, options: SwarmOptions): Promise<Found> {
  const info = await engine.docker.info();
  // Where the kernel does not count swap (`swapaccount=0`), a program that has no memory left goes on in it.
  const limits = {
    memory: info.MemoryLimit === true && (info.SwapLimit === true || swapBytes() === 0),
    cpu: info.CpuCfsQuota === true,
    pids: info.PidsLimit === true,
  };
  try {
    const { status, isSeen, runGroups } = await statusInside({ engine, events, driver: info.CgroupDriver }, options);
    const line = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1] ?? "";
    const checks: readonly (readonly [boolean, string])[] = [
      [isSeen, "The processes of containers cannot be seen from here: run the orchestrator on the engine's own machine, or with `pid: host`."],
      [/^0*$/.test(line("CapBnd")), "Containers keep rights of root although all were taken from them."],
      [line("Seccomp") === "2", "Containers are not kept from dangerous calls of the kernel: the engine runs without seccomp."],
      [
        isAtLeast(engine.apiVersion, privilegesApi) || line("NoNewPrivs") === "1",
        "Programs of services can gain rights by set-uid files: start dockerd with --no-new-privileges (from Docker 26 on that is done without).",
      ],
    ];
    return { limits, runGroups, missing: checks.flatMap(([holds, words]) => (holds ? [] : [words])) };
  } catch (error) {
    return {
      limits,
      runGroups: null,
      missing: [`No container of the image ${options.defaultImage} can be started: ${error instanceof Error ? error.message : String(error)}`],
    };
  }
}

async function statusInside(
  { engine, events, driver }: { readonly engine: Engine; readonly events: EngineEvents; readonly driver: string },
  { installation, defaultImage, inEngineNetwork }: SwarmOptions,
) {
  const disposable = await startDisposable(
    { docker: engine.docker, events, shells: new ImageShells(), inEngineNetwork },
    {
      installation,
      kind: "probe",
      start: randomUUID(),
      image: defaultImage,
      command: ["/bin/sh", "-c", "cat /proc/self/status; read -r _"],
      environment: [],
      workFolder: "/",
      folders: [],
      owner: null,
      limits: { cpu: 1, memoryBytes: 64_000_000, pids: 16, fileBytes: null },
      hasEgress: false,
      nameServers: [],
      hasTerminal: false,
      hasInput: true,
    },
  );
  try {
    const printed = new PassThrough();
    void readMultiplexed(disposable.streams, (_stream, chunk) => void printed.write(chunk)).finally(() => printed.end());
    const { init } = disposable;
    const runGroups = init === null ? null : openRunGroups(installation, { pid: init.pid, driver });
    disposable.streams.end("\n");
    const status = await Promise.race([text(printed), delay(10_000, "", { ref: false })]);
    return { status, isSeen: init !== null, runGroups };
  } finally {
    await disposable.remove();
  }
}
