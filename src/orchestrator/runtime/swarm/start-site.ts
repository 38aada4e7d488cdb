import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "#contract/failure.ts";
import type { Log } from "#kit/log.ts";
import { ProcessInstance } from "../process/process-instance.ts";
import { childrenOf, isAlive, isHalted, type ProcessId, signalProcess } from "../process/process-table.ts";
import type { StartRequest } from "../site-runtime.ts";
import { saysFull } from "./bridge-room.ts";
import { freezerOf } from "./container-freezer.ts";
import { memoryOfContainer } from "./container-groups.ts";
import { sitePort } from "./container-plan.ts";
import type { ContainerWatch } from "./container-watch.ts";
import { goneTree, plainReason, treeOf } from "./disposable.ts";
import { holdMemory } from "./hold-memory.ts";
import { LogFollower } from "./log-follower.ts";
import type { LogMoment } from "./log-moment.ts";
import type { Slot } from "./service-spec.ts";
import { inspectStarted } from "./started-container.ts";
import { SwarmInstance } from "./swarm-instance.ts";
import type { SwarmMachine } from "./swarm-machine.ts";

/** A container of a site that was started, now or by an earlier orchestrator. */
export interface SiteContainer {
  readonly siteId: number;
  readonly instance: string;
  readonly start: string;
  readonly slot: Slot;
  readonly image: string;
  readonly hasEgress: boolean;
  readonly onOutput: StartRequest["onOutput"];
  /** What was printed before is not told again. */
  readonly since: LogMoment;
  /** An earlier orchestrator started it, and has let it begin unless it was killed just then. */
  readonly isLeft: boolean;
}

/** A program got a port to which another site's visitors may still come: it has not begun. */
class PortRests extends Error {}

export interface InstanceContext {
  readonly machine: SwarmMachine;
  readonly log: Log;
  readonly onEnd: () => void;
}

/** How long the swarm may take to place and start a container: an engine that has just come up needs seconds for its first. */
const startTimeoutMs = 60_000;
/** Most starts take half a second; only those that take longer are asked after. */
const firstAskMs = 600;
const askEveryMs = 250;
/** How many ports are tried for a program before its start is refused. */
const mostPorts = 8;

/** Waits until the swarm has started a container. @throws {Failure} `image_unusable`, `machine_full` */
export async function whenStarted(
  machine: SwarmMachine,
  watch: ContainerWatch,
  of: Pick<SiteContainer, "siteId" | "slot" | "start" | "image">,
): Promise<string> {
  const deadline = performance.now() + startTimeoutMs;
  let started: string | null = null;
  void watch.started.then((containerId) => {
    started = containerId;
  });
  for (let waitMs = firstAskMs; performance.now() < deadline; waitMs = askEveryMs) {
    await Promise.race([watch.started, delay(waitMs, undefined, { ref: false })]);
    if (started !== null) return started;
    const why = await machine.services.whyNot(of.siteId, of.slot, of.start);
    // The task may have failed because its program has ended already: then the event is under way.
    if (why !== null) await Promise.race([watch.started, delay(askEveryMs)]);
    if (started !== null) return started;
    // A leader that was just elected knows of no node until it has heard of it.
    if (why !== null && !/not available for new tasks/.test(why)) throw refusal(why, of.image);
  }
  throw new Failure("machine_full");
}

function refusal(why: string, image: string): Failure {
  if (saysFull(why)) return new Failure("machine_full", {}, { cause: new Error(why) });
  return new Failure("image_unusable", { image, reason: plainReason(why) }, { cause: new Error(why) });
}

/** Starts a program again when it got a port where it must not begin. @throws {Failure} `machine_full` */
export async function withFreePort<T>(machine: SwarmMachine, start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof PortRests)) throw error;
      if (tries === mostPorts) throw new Failure("machine_full", {}, { cause: error });
      await machine.skipPorts();
    }
  }
}

/** Takes charge of a container that was started. @throws {PortRests} */
export async function takeCharge({ machine, log, onEnd }: InstanceContext, site: SiteContainer, watch: ContainerWatch): Promise<SwarmInstance> {
  const { docker, services, events } = machine;
  const containerId = await watch.started;
  const container = docker.getContainer(containerId);
  const found = await inspectStarted(container, { hasEnded: () => watch.hasEnded });
  const pid = found?.pid ?? 0;
  const init = watch.knowInit(pid);
  if (found !== null && init !== null) takePort(machine, site, { port: found.port, init, watch });
  if (found !== null) await holdMemory(container, pid, log);
  const letIn = await machine.letOut(found?.ip ?? null, site.hasEgress);
  if (init !== null) await letBegin(init, { watch, isLeft: site.isLeft });
  const followed = { docker, containerId, since: site.since, onOutput: explained(site), hasEnded: () => watch.hasEnded, ended: watch.ended };
  const follower = new LogFollower(followed);
  const output = follower.done.then(() => {
    if (watch.wasKilled) site.onOutput("stderr", endedByEngine);
  });
  const program = new ProcessInstance({
    siteId: site.siteId,
    instance: site.instance,
    address: { host: machine.nodeAddress, port: found?.port ?? sitePort },
    launched: { ended: watch.ended.then(({ code, signal }) => ({ code, signal: signal as NodeJS.Signals | null })), output },
    tree: pid === 0 ? goneTree : treeOf(pid),
    target: { address: found?.ip ?? "0.0.0.0", port: sitePort },
    reachable: Promise.resolve(),
    onBooted: () => undefined,
    freezer: null,
    memoryBytes: () => (pid === 0 ? null : memoryOfContainer(pid)),
    oomKills: () => (watch.hasRunOutOfMemory ? 1 : 0),
    release: async () => {
      events.forget(site.start);
      onEnd();
      await Promise.all([letIn(), services.rest(site.siteId, site.slot, { start: site.start })]);
    },
    log,
  });
  return new SwarmInstance(program, { start: site.start, freezer: freezerOf(machine, containerId, watch), leave: () => follower.leave() });
}

/** @throws {PortRests} */
function takePort({ ports }: SwarmMachine, site: SiteContainer, of: { readonly port: number; readonly init: ProcessId; readonly watch: ContainerWatch }): void {
  const { port, init, watch } = of;
  if (site.isLeft) ports.hold(port, site);
  else if (!ports.take(port, site)) {
    // It has halted itself, and would not hear that it shall end.
    signalProcess(init, "SIGKILL");
    throw new PortRests(`the port ${port} was another site's until just now`);
  }
  void watch.ended.then(() => ports.release(port, site.start));
}

/** Lets a program begin that has halted itself, see `waitToBegin`. */
async function letBegin(init: ProcessId, { watch, isLeft }: { readonly watch: ContainerWatch; readonly isLeft: boolean }): Promise<void> {
  for (const deadline = performance.now() + startTimeoutMs; performance.now() < deadline && !watch.hasEnded && isAlive(init); ) {
    const halted = childrenOf(init.pid).find(({ pid }) => isHalted(pid));
    if (halted !== undefined) return void signalProcess(halted, "SIGCONT");
    if (isLeft) return;
    await delay(2);
  }
}

/** Its last words, so that a person reads who did it. */
const endedByEngine =
  "Error: The Docker engine ended this program, not Backlot: somebody changed its service in the swarm or stopped its container, or the engine was stopped\n";

/** The program that starts every other one says it when there is no shell; nobody but us knows what that means. */
function explained({ image, onOutput }: SiteContainer): StartRequest["onOutput"] {
  return (stream, text) => {
    onOutput(stream, text);
    if (/^\[FATAL tini \(\d+\)\] exec \/bin\/sh failed/m.test(text))
      onOutput("stderr", `Error: the image ${image} has no shell (/bin/sh), which starts run.sh. Choose another image.\n`);
  };
}
