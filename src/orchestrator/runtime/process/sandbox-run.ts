import type { RunRequest } from "../run.ts";
import { abandon, type Launched } from "./launch.ts";
import type { ParkedRun } from "./parked-runs.ts";
import { ProcessRun, takeOutputFor } from "./process-run.ts";
import { childrenOf } from "./process-table.ts";
import { sandboxTree } from "./process-tree.ts";
import { makeRunCgroup, type RunCgroup } from "./run-cgroup.ts";
import { runCommandLine, runEnvironment, sandboxPaths } from "./run-plan.ts";
import { inside } from "./sandbox-command.ts";
import type { SandboxContext } from "./sandbox-instance.ts";
import { launchInSandbox, type SandboxMachine } from "./sandbox-machine.ts";
import type { SiteNetwork } from "./site-networks.ts";
import { homeOwner, siteOwner } from "./site-owner.ts";

const largestTmpBytes = 64 * 1024 * 1024;
/** No limit that a disk would not set first; the gate counts in blocks. */
const homeFileBytes = 2 ** 50;

interface Held {
  network: SiteNetwork | null;
  cgroup: RunCgroup | null;
  parked: ParkedRun | null;
  launched: Launched | null;
}

/** Starts a run in a sandbox like its site's, with namespaces and limits of its own. */
export async function startSandboxedRun(context: SandboxContext, request: RunRequest, onEnd: () => void): Promise<ProcessRun> {
  const { sandbox, machine, records } = context;
  const name = `run-${request.run}`;
  const held: Held = { network: null, cgroup: null, parked: null, launched: null };
  const release = async (): Promise<void> => {
    held.network?.release();
    records.remove(name);
    onEnd();
    await held.cgroup?.remove();
  };
  try {
    // An empty network namespace costs nothing; a way out is only for those who have one.
    if (hasEgress(request)) held.network = (await sandbox.networks?.lease({ hasEgress: true })) ?? null;
    held.parked = held.network === null ? (machine.parkedRuns?.take(request) ?? null) : null;
    const isParked = held.parked !== null;
    held.cgroup = held.parked?.cgroup ?? (machine.cgroups === null ? null : makeRunCgroup(machine.cgroups, name, request.limits));
    let joining = Promise.resolve();
    const onSpawned = (pid: number): void => {
      // A parked one is in already.
      if (!isParked) joining = held.cgroup?.join(pid) ?? joining;
      joining.catch(() => undefined);
    };
    const launched = await launchRun(context, request, { network: held.network, parked: held.parked, onSpawned });
    held.launched = launched;
    await joining;
    if (held.cgroup !== null && !isParked) await admit(launched, held.cgroup);
    records.write(name, [launched.leader, launched.init]);
    launched.open();
    return new ProcessRun({ launched, tree: sandboxTree(launched.init), cgroup: held.cgroup, release, log: context.log });
  } catch (error) {
    if (held.launched !== null) await abandon(held.launched);
    else held.parked?.child.kill("SIGKILL");
    await release();
    throw error;
  }
}

function hasEgress({ place }: RunRequest): boolean {
  return place.kind === "site" && place.spec.egress === "internet";
}

function launchRun(
  context: SandboxContext,
  request: RunRequest,
  given: { readonly network: SiteNetwork | null; readonly parked: ParkedRun | null; readonly onSpawned: (pid: number) => void },
): Promise<Launched> {
  const { sandbox: machine } = context;
  const { place, limits } = request;
  const databaseFolder = place.kind === "site" && place.spec.database !== null ? machine.view.databaseFolder : null;
  const paths = sandboxPaths(place, inside, databaseFolder !== null);
  const limitsMemory = context.machine.capabilities.limits.memory;
  return launchInSandbox(machine, {
    sandbox: {
      ...foldersOf(machine, request),
      workFolder: paths.work,
      environment: runEnvironment(request, paths),
      databaseFolder,
      ownsNetwork: given.network === null,
      hasEgress: given.network?.hasEgress ?? false,
      isEntered: false,
      tmpBytes: Math.min(largestTmpBytes, Math.floor(limits.memoryBytes / 2)),
    },
    owner: place.kind === "site" ? siteOwner(place.spec.siteId) : homeOwner(),
    networkNamespace: given.network?.namespace ?? null,
    limits: {
      fileBytes: place.kind === "site" ? place.spec.limits.fileBytes : homeFileBytes,
      pids: limits.pids,
      dataBytes: limitsMemory ? null : limits.memoryBytes,
    },
    command: runCommandLine(request.command, request.arguments, paths.scripts),
    onOutput: () => undefined,
    takeOutput: takeOutputFor(request.onOutput),
    onSpawned: given.onSpawned,
    ...(given.parked === null ? {} : { parked: given.parked.child }),
  });
}

function foldersOf(machine: SandboxMachine, { place }: RunRequest) {
  if (place.kind === "site") return { folder: machine.view.siteFolder(place.folder) };
  const { home } = machine.view;
  if (home === null) throw new Error("this runtime was given no home folder");
  return {
    folder: null,
    mounts: [
      { source: home.folder, target: inside.homeFolder, isWritable: true },
      { source: home.library, target: inside.library, isWritable: false },
    ],
  };
}

// Like a site's program: what the launcher had started before it was moved is moved now, while all of it waits at the gate.
async function admit(launched: Launched, cgroup: RunCgroup): Promise<void> {
  const inside = new Set(cgroup.processes());
  const all = [launched.init.pid, ...childrenOf(launched.init.pid).map((child) => child.pid)];
  for (const pid of all) if (!inside.has(pid)) await cgroup.join(pid);
}
