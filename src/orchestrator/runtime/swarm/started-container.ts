import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { sitePort } from "./container-plan.ts";
import { statusOf } from "./engine.ts";
import { awayFailure } from "./swarm-managers.ts";

/** A container that runs, as it can be reached. */
export interface StartedContainer {
  readonly pid: number;
  /** On the engine's bridge. */
  readonly ip: string;
  /** On the node. */
  readonly port: number;
}

type Inspected = Pick<Docker.ContainerInspectInfo, "State" | "NetworkSettings">;

/** An engine that has just come back takes seconds, on a busy machine many. */
const patienceMs = 30_000;
const askEveryMs = 100;

/** Whose end may be told meanwhile, and how long the engine is waited for. */
interface Waiting {
  readonly hasEnded: () => boolean;
  readonly patienceMs?: number | undefined;
}

/**
 * What the engine says of a container that was started; null when it has ended by now. Asked again when it does not answer or says half of it: whoever
 * guessed would send visitors to another's port, and could neither watch nor end the program.
 * @throws {Failure} `component_away`
 */
export function inspectStarted(container: { inspect(): Promise<Inspected> }, of: Waiting): Promise<StartedContainer | null> {
  return inspectUntilKnown(container, { ...of, read: startedIn });
}

/** The same of a container that nobody connects to; without a network of its own it has no address. @throws {Failure} `component_away` */
export function inspectDisposable(
  container: { inspect(): Promise<Inspected> },
  of: Waiting & { readonly hasNetwork: boolean },
): Promise<(Pick<StartedContainer, "pid"> & { readonly ip: string | null }) | null> {
  return inspectUntilKnown(container, { ...of, read: (inspected) => disposableIn(inspected, of.hasNetwork) });
}

async function inspectUntilKnown<T>(
  container: { inspect(): Promise<Inspected> },
  of: Waiting & { readonly read: (inspected: Inspected) => T | null | "unknown" },
): Promise<T | null> {
  const deadline = performance.now() + (of.patienceMs ?? patienceMs);
  while (true) {
    try {
      const inspected = await container.inspect();
      const found = of.read(inspected);
      if (found !== "unknown") return found;
      if (performance.now() > deadline) throw awayFailure(new Error(`the engine does not say where a container can be reached: ${saidOf(inspected)}`));
    } catch (error) {
      // Removed: whoever ended it did that, too.
      if (statusOf(error) === 404) return null;
      if (performance.now() > deadline) throw awayFailure(error);
    }
    // Its end was told meanwhile, which an engine that is away cannot.
    if (of.hasEnded()) return null;
    await delay(askEveryMs);
  }
}

/** `unknown`: it runs, but something is missing. */
export function startedIn({ State: state, NetworkSettings: network }: Inspected): StartedContainer | null | "unknown" {
  if (!state.Running) return null;
  const ip = network.Networks.bridge?.IPAddress ?? "";
  const port = Number(network.Ports[`${sitePort}/tcp`]?.[0]?.HostPort ?? 0);
  return state.Pid > 0 && ip !== "" && port > 0 ? { pid: state.Pid, ip, port } : "unknown";
}

function disposableIn(
  { State: state, NetworkSettings: network }: Inspected,
  hasNetwork: boolean,
): { readonly pid: number; readonly ip: string | null } | null | "unknown" {
  if (!state.Running) return null;
  const ip = network.Networks.bridge?.IPAddress || null;
  return state.Pid > 0 && (ip !== null || !hasNetwork) ? { pid: state.Pid, ip } : "unknown";
}

/** For whoever has to find out what was missing. */
function saidOf({ State: { Status: status, Pid: pid }, NetworkSettings: { Networks: networks, Ports: ports } }: Inspected): string {
  const addresses = Object.entries(networks).map(([name, { IPAddress: ip }]) => [name, ip]);
  return JSON.stringify({ status, pid, addresses, ports });
}
