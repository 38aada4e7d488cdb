import { randomUUID } from "node:crypto";
import type { Log } from "#kit/log.ts";
import { endTree } from "../process/end-tree.ts";
import { exitOf } from "../process/program-exit.ts";
import type { RunUsage } from "../process/run-cgroup.ts";
import { runCommandLine, runEnvironment, sandboxPaths } from "../process/run-plan.ts";
import { homeOwner, siteOwner } from "../process/site-owner.ts";
import type { RunExit, RunningRun, RunRequest } from "../run.ts";
import { environmentOf, inside } from "./container-plan.ts";
import { type Disposable, type DisposableOrder, lost, startDisposable, undoing } from "./disposable.ts";
import { endWithOrchestrator, type LifeLine } from "./life-line.ts";
import { readMultiplexed } from "./multiplexed.ts";
import { boundFoldersOf, imageOf, type SwarmMachine } from "./swarm-machine.ts";

/** Starts a run in a container of its own, made like its site's. */
export async function startRun(machine: SwarmMachine, request: RunRequest, context: DisposableLife): Promise<SwarmRun> {
  const order = runOrder(machine, request, context.life);
  const disposable = await startDisposable(machine, order);
  const letIn = await machine.letOut(disposable.ip, hasEgress(request)).catch(undoing(disposable.remove)).catch(lost);
  const release = async (): Promise<void> => {
    await Promise.all([letIn(), disposable.remove()]);
    await machine.runGroups?.remove(order.start);
  };
  const usage = (): RunUsage => machine.runGroups?.usage(order.start) ?? { cpuMs: null, peakMemoryBytes: null };
  return new SwarmRun({ disposable, onOutput: request.onOutput, usage, release, ...context });
}

/** What a disposable container has of its orchestrator. */
export interface DisposableLife {
  readonly life: Pick<LifeLine, "folder">;
  readonly log: Log;
  readonly onEnd: () => void;
}

function runOrder(machine: SwarmMachine, request: RunRequest, life: DisposableLife["life"]): DisposableOrder {
  const { place, limits } = request;
  const spec = place.kind === "site" ? place.spec : null;
  const paths = sandboxPaths(place, { ...inside, path: "" }, spec?.database != null && machine.databaseFolder !== null);
  const command = runCommandLine(request.command, request.arguments, paths.scripts);
  const { PATH: path } = request.environment;
  const start = randomUUID();
  return {
    installation: machine.installation,
    kind: "run",
    start,
    image: imageOf(machine, spec),
    command: inShell(paths.home, command),
    environment: environmentOf(runEnvironment(request, paths), path === undefined ? {} : { PATH: path }),
    workFolder: paths.work,
    folders: [...boundFoldersOf(machine, place), life.folder],
    owner: spec === null ? homeOwner() : siteOwner(spec.siteId),
    limits: { ...limits, fileBytes: spec?.limits.fileBytes ?? null },
    hasEgress: hasEgress(request),
    nameServers: machine.nameServers,
    hasTerminal: false,
    hasInput: false,
    ...(machine.runGroups === null ? {} : { parentGroup: machine.runGroups.parentOf(start) }),
  };
}

/** A command after what every program of a site finds prepared, which ends with the orchestrator. */
export function inShell(home: string, command: readonly string[]): readonly string[] {
  const path = `PATH="\${PATH:-/usr/local/bin:/usr/bin:/bin}:${home}/.local/bin"; export PATH`;
  return ["/bin/sh", "-c", [endWithOrchestrator, path, 'exec "$@"'].join("\n"), "sh", ...command];
}

function hasEgress({ place }: RunRequest): boolean {
  return (place.kind === "site" ? place.spec.egress : place.egress) === "internet";
}

interface RunParts {
  readonly disposable: Disposable;
  readonly onOutput: RunRequest["onOutput"];
  readonly usage: () => RunUsage;
  readonly release: () => Promise<void>;
  readonly onEnd: () => void;
  readonly log: Log;
}

/** One run in its container. */
export class SwarmRun implements RunningRun {
  readonly process: RunningRun["process"];
  readonly exited: Promise<RunExit>;
  readonly #parts: RunParts;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.process = parts.disposable.init;
    this.exited = this.#end();
  }

  async end(graceMs: number): Promise<void> {
    await endTree(this.#parts.disposable.tree, graceMs, this.exited);
    await this.exited;
  }

  async #end(): Promise<RunExit> {
    const { disposable, onOutput, usage, release, onEnd, log } = this.#parts;
    const [end] = await Promise.all([disposable.ended, readMultiplexed(disposable.streams, onOutput)]);
    const exit = { ...exitOf(end, end.isOutOfMemory ? 1 : 0), ...usage() };
    release()
      .catch((error: unknown) => log.error({ err: error }, "not everything of a run was given back"))
      .finally(onEnd);
    return exit;
  }
}
