import type { RunRequest } from "../run.ts";
import { abandon, type Launched } from "./launch.ts";
import type { LeasedNursery, Nurseries } from "./nurseries.ts";
import { NurseryGone } from "./nursery.ts";
import { launchInNursery } from "./nursery-launch.ts";
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
  nursery: LeasedNursery | null;
  launched: Launched | null;
}

/** Starts a run in a sandbox like its site's, with namespaces and limits of its own. */
export async function startSandboxedRun(context: SandboxContext, request: RunRequest, onEnd: () => void): Promise<ProcessRun> {
  const { sandbox, machine, records } = context;
  const name = `run-${request.run}`;
  const held: Held = { network: null, cgroup: null, nursery: null, launched: null };
  const release = async (): Promise<void> => {
    held.network?.release();
    if (held.nursery === null) records.remove(name);
    onEnd();
    if (held.nursery === null) await held.cgroup?.remove();
    else held.nursery.release();
  };
  try {
    // An empty network namespace costs nothing; a way out is only for those who have one.
    if (hasEgress(request)) held.network = (await sandbox.networks?.lease({ hasEgress: true })) ?? null;
    const given = launchOf(context, request, held.network);
    const launched = await (machine.nurseries === null
      ? launchApart(context, { held, name, request }, given)
      : launchLeased({ sandbox, nurseries: machine.nurseries }, { held, request }, given));
    // What stands in groups of ours is found without a record.
    if (held.nursery === null) records.write(name, [launched.leader, launched.init]);
    launched.open();
    return new ProcessRun({ launched, tree: sandboxTree(launched.init), cgroup: held.cgroup, release, log: context.log });
  } catch (error) {
    if (held.launched !== null) await abandon(held.launched);
    await release();
    throw error;
  }
}

type LaunchGiven = ReturnType<typeof launchOf>;

/** Launches a run by a nursery; one that somebody killed before anything of the run had begun is replaced once. */
async function launchLeased(
  machine: { readonly sandbox: SandboxMachine; readonly nurseries: Nurseries },
  run: { readonly held: Held; readonly request: RunRequest },
  given: LaunchGiven,
): Promise<Launched> {
  const { held, request } = run;
  for (let isFirst = true; ; isFirst = false) {
    const leased = await machine.nurseries.lease(request.limits, given.owner?.uid ?? null);
    held.nursery = leased;
    held.cgroup = leased.cgroup;
    try {
      const sandbox = leased.hasNetwork ? { ...given.sandbox, ownsNetwork: false } : given.sandbox;
      held.launched = await launchInNursery({ machine: machine.sandbox, root: machine.nurseries.root }, leased.nursery, { ...given, sandbox });
      return held.launched;
    } catch (error) {
      if (!isFirst || !(error instanceof NurseryGone)) throw error;
      leased.release();
      held.nursery = null;
    }
  }
}

/** Launches a run by a process of our own, which is moved into its group while it makes the sandbox. */
async function launchApart(
  context: SandboxContext,
  run: { readonly held: Held; readonly name: string; readonly request: RunRequest },
  given: LaunchGiven,
): Promise<Launched> {
  const { held, name, request } = run;
  const { cgroups } = context.machine;
  const cgroup = cgroups === null ? null : makeRunCgroup(cgroups, name, request.limits);
  held.cgroup = cgroup;
  let joining = Promise.resolve();
  const onSpawned = (pid: number): void => {
    joining = cgroup?.join(pid) ?? joining;
    joining.catch(() => undefined);
  };
  const launched = await launchInSandbox(context.sandbox, { ...given, onOutput: () => undefined, onSpawned });
  held.launched = launched;
  await joining;
  if (cgroup !== null) await admit(launched, cgroup);
  return launched;
}

function hasEgress({ place }: RunRequest): boolean {
  return (place.kind === "site" ? place.spec.egress : place.egress) === "internet";
}

function launchOf(context: SandboxContext, request: RunRequest, network: SiteNetwork | null) {
  const { sandbox: machine } = context;
  const { place, limits } = request;
  const databaseFolder = place.kind === "site" && place.spec.database !== null ? machine.view.databaseFolder : null;
  const paths = sandboxPaths(place, inside, databaseFolder !== null);
  const limitsMemory = context.machine.capabilities.limits.memory;
  return {
    sandbox: {
      ...foldersOf(machine, request),
      workFolder: paths.work,
      environment: runEnvironment(request, paths),
      databaseFolder,
      ownsNetwork: network === null,
      hasEgress: network?.hasEgress ?? false,
      isEntered: false,
      tmpBytes: Math.min(largestTmpBytes, Math.floor(limits.memoryBytes / 2)),
    },
    owner: place.kind === "site" ? siteOwner(place.spec.siteId) : homeOwner(),
    networkNamespace: network?.namespace ?? null,
    limits: {
      fileBytes: place.kind === "site" ? place.spec.limits.fileBytes : homeFileBytes,
      pids: limits.pids,
      dataBytes: limitsMemory ? null : limits.memoryBytes,
    },
    command: runCommandLine(request.command, request.arguments, paths.scripts),
    takeOutput: takeOutputFor(request.onOutput),
  };
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
