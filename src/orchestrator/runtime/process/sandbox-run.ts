import type { RunRequest } from "../run.ts";
import { abandon, type Launched } from "./launch.ts";
import { dataBound } from "./launch-command.ts";
import type { LeasedNursery, Nurseries } from "./nurseries.ts";
import { NurseryGone } from "./nursery.ts";
import { type KeptLaunch, launchInNursery, launchKept, planKept } from "./nursery-launch.ts";
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
import { SandboxNotMade } from "./warm-sandbox.ts";

const largestTmpBytes = 64 * 1024 * 1024;
/** No limit that a disk would not set first; the gate counts in blocks. */
const homeFileBytes = 2 ** 50;

interface Held {
  network: SiteNetwork | null;
  cgroup: RunCgroup | null;
  nursery: LeasedNursery | null;
  launched: Launched | null;
  /** The same, where its sandbox may stay. */
  kept: KeptLaunch | null;
}

/** Starts a run in a sandbox like its site's, with namespaces and limits of its own. */
export async function startSandboxedRun(context: SandboxContext, request: RunRequest, onEnd: () => void): Promise<ProcessRun> {
  const { sandbox, machine, records } = context;
  const name = `run-${request.run}`;
  const held: Held = { network: null, cgroup: null, nursery: null, launched: null, kept: null };
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
    const { kept } = held;
    const settle = kept === null ? null : () => kept.settle();
    return new ProcessRun({ launched, tree: sandboxTree(launched.init), cgroup: held.cgroup, settle, release, log: context.log });
  } catch (error) {
    if (held.launched !== null) await abandon(held.launched);
    await release();
    throw error;
  }
}

type LaunchGiven = ReturnType<typeof launchOf>;

/** So many nurseries may have been killed, one after the other, before anything of a run has begun. */
const mostGone = 3;

/** Launches a run by a nursery; one that somebody killed before anything of the run had begun is replaced. */
async function launchLeased(
  machine: { readonly sandbox: SandboxMachine; readonly nurseries: Nurseries },
  run: { readonly held: Held; readonly request: RunRequest },
  given: LaunchGiven,
): Promise<Launched> {
  const { held, request } = run;
  const { nurseries } = machine;
  const folder = request.place.kind === "site" ? request.place.folder : null;
  let kept = await planKept({ machine: machine.sandbox, nurseries }, given, folder);
  let unkept: unknown = null;
  for (let gone = 0; ; ) {
    const leased = await nurseries.lease({ limits: request.limits, owner: given.owner?.uid ?? null, ...(kept === null ? {} : { keyOf: kept.keyOf }) });
    held.nursery = leased;
    held.cgroup = leased.cgroup;
    try {
      const sandbox = leased.hasNetwork ? { ...given.sandbox, ownsNetwork: false } : given.sandbox;
      if (kept !== null) held.launched = held.kept = await launchKept(leased, kept, given);
      else held.launched = await launchInNursery({ machine: machine.sandbox, root: nurseries.root }, leased.nursery, { ...given, sandbox });
      if (unkept !== null) nurseries.keeping.failed(unkept);
      return held.launched;
    } catch (error) {
      if (error instanceof NurseryGone) {
        gone += 1;
        if (gone > mostGone) throw error;
      } else {
        if (!(error instanceof SandboxNotMade)) throw error;
        // Perhaps one that is made for this run alone can be: then it is no fault of the run.
        unkept = error;
        kept = null;
      }
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
      dataBytes: limitsMemory ? null : dataBound(limits.memoryBytes),
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
