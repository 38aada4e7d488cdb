import { dirname, join } from "node:path";
import type { Log } from "#kit/log.ts";
import type { EnterRequest } from "../enter.ts";
import type { InstanceRecords } from "./instance-records.ts";
import { dataBound, descriptors, launchCommand } from "./launch-command.ts";
import type { Machine } from "./machine.ts";
import { findProgram } from "./machine-programs.ts";
import { plainCommand } from "./plain-command.ts";
import { childrenOf, signalProcess } from "./process-table.ts";
import { leakedDescriptors, markedTree, markName, sandboxTree } from "./process-tree.ts";
import { makeRunCgroup, type RunCgroup } from "./run-cgroup.ts";
import { type RunPaths, sandboxPaths } from "./run-plan.ts";
import { inside, sandboxArguments } from "./sandbox-command.ts";
import type { SandboxMachine } from "./sandbox-machine.ts";
import type { SiteNetwork } from "./site-networks.ts";
import { siteOwner } from "./site-owner.ts";
import type { TerminalKeeper } from "./terminal-keeper.ts";
import { type EnteredLaunch, type EnteredLaunchOptions, launchEntered } from "./terminal-launch.ts";
import { enterCommandLine, enterEnvironment, terminalPrograms } from "./terminal-plan.ts";
import { EnteredProcess } from "./terminal-process.ts";

export interface EnterContext {
  readonly machine: Machine;
  readonly records: InstanceRecords;
  readonly keeper: TerminalKeeper;
  readonly log: Log;
}

const largestTmpBytes = 64 * 1024 * 1024;

/** What it holds, in the order it was taken. */
interface Held {
  network: SiteNetwork | null;
  cgroup: RunCgroup | null;
  launched: EnteredLaunch | null;
}

/** Starts a shell or a command beside a site's own program: same sandbox, user, files and environment; namespaces and limits of its own. */
export async function startEntered(context: EnterContext, request: EnterRequest, onEnd: () => void): Promise<EnteredProcess> {
  const { machine, records, log } = context;
  const { sandbox } = machine;
  const name = `enter-${request.key}`;
  const held: Held = { network: null, cgroup: null, launched: null };
  const release = async (): Promise<void> => {
    held.network?.release();
    records.remove(name);
    onEnd();
    await held.cgroup?.remove();
  };
  try {
    if (sandbox !== null && request.spec.egress === "internet") held.network = (await sandbox.networks?.lease({ hasEgress: true })) ?? null;
    const { limits } = request.spec;
    held.cgroup = machine.cgroups === null ? null : makeRunCgroup(machine.cgroups, name, limits);
    const mark = `${machine.installation}/${name}`;
    let joining = Promise.resolve();
    const onSpawned = (pid: number): void => {
      joining = held.cgroup?.join(pid) ?? joining;
      joining.catch(() => undefined);
    };
    const plan = sandbox === null ? plainPlan(machine, request, mark) : sandboxPlan(context, request, { sandbox, network: held.network });
    const launched = await launchEntered({ ...plan, size: request.size, keeper: context.keeper, owner: siteOwner(request.spec.siteId), onSpawned });
    held.launched = launched;
    await joining;
    if (held.cgroup !== null) await admit(launched, held.cgroup);
    records.write(name, [launched.leader, launched.init]);
    const { cgroup } = held;
    const grouped = (): readonly number[] => cgroup?.processes() ?? [];
    const tree = sandbox === null ? markedTree(launched.leader, { mark, grouped }) : sandboxTree(launched.init);
    launched.open();
    return new EnteredProcess({ launched, tree, cgroup, isShell: request.command === null, release, log });
  } catch (error) {
    if (held.launched !== null) await abandon(held.launched);
    await release();
    throw error;
  }
}

async function abandon(launched: EnteredLaunch): Promise<void> {
  signalProcess(launched.init, "SIGKILL");
  launched.kill();
  launched.terminal?.link.destroy();
  await launched.ended;
}

type LaunchPlan = Pick<EnteredLaunchOptions, "argv" | "sandbox" | "environment">;

function sandboxPlan(
  { machine }: EnterContext,
  request: EnterRequest,
  given: { readonly sandbox: SandboxMachine; readonly network: SiteNetwork | null },
): LaunchPlan {
  const { sandbox: from, network } = given;
  const { spec } = request;
  const programs = terminalPrograms();
  const databaseFolder = spec.database === null ? null : from.view.databaseFolder;
  const paths = sandboxPaths({ kind: "site", spec, folder: request.folder }, inside, databaseFolder !== null);
  const owner = siteOwner(spec.siteId);
  const { namespace } = from.view;
  const box = {
    folder: from.view.siteFolder(request.folder),
    workFolder: paths.work,
    environment: enterEnvironment(request, paths, programs),
    databaseFolder,
    ownsNetwork: network === null,
    hasEgress: network?.hasEgress ?? false,
    isEntered: false,
    tmpBytes: Math.min(largestTmpBytes, Math.floor(spec.limits.memoryBytes / 2)),
  };
  return {
    argv: launchCommand({
      programs: from.programs,
      as: owner === null || namespace === null ? null : { ...owner, mountNamespace: namespace, networkNamespace: network?.namespace ?? null },
      fileBytes: spec.limits.fileBytes,
      pids: from.limitsOwnPids ? spec.limits.pids : null,
      dataBytes: machine.capabilities.limits.memory ? null : dataBound(spec.limits.memoryBytes),
      leaked: from.leaked,
      command: enterCommandLine(request, programs),
    }),
    sandbox: {
      arguments: sandboxArguments(box, from.facts, from.seccompFile === null ? null : descriptors.seccomp),
      seccompFile: from.seccompFile,
      scratchFolder: from.scratchFolder,
    },
  };
}

/** Where nothing can be isolated: only for those who are trusted. */
function plainPlan(machine: Machine, request: EnterRequest, mark: string): LaunchPlan {
  const { view, capabilities } = machine;
  const { spec } = request;
  const programs = terminalPrograms();
  const folder = view.siteFolder(request.folder);
  const home = join(folder, ".home");
  const path = [dirname(view.nodeBinary), join(home, ".local/bin"), "/usr/local/bin", "/usr/bin", "/bin"].join(":");
  const paths: RunPaths = { work: folder, scripts: folder, home, path, databaseHost: spec.database === null ? null : view.databaseFolder };
  const owner = siteOwner(spec.siteId);
  const leaked = leakedDescriptors();
  const prlimit = capabilities.limits.memory ? null : findProgram("prlimit");
  return {
    environment: { ...enterEnvironment(request, paths, programs), [markName]: mark },
    argv: plainCommand({
      programs: {
        setpriv: findProgram("setpriv"),
        nsenter: findProgram("nsenter"),
        shell: leaked.length > 0 && programs.bash !== null ? programs.bash : "/bin/sh",
      },
      as: owner === null ? null : { ...owner, mountNamespace: view.namespace },
      fileBytes: spec.limits.fileBytes,
      gate: view.gate,
      leaked: programs.bash === null ? [] : leaked,
      command: [
        ...(prlimit === null ? [] : [prlimit, `--data=${dataBound(spec.limits.memoryBytes)}`]),
        ...[findProgram("env") ?? "/usr/bin/env", `--chdir=${folder}`],
        ...enterCommandLine(request, programs),
      ],
    }),
  };
}

// Like a site's program: what the launcher had started before it was moved is moved now, while all of it waits at the gate.
async function admit(launched: EnteredLaunch, cgroup: RunCgroup): Promise<void> {
  const joined = new Set(cgroup.processes());
  const all = [launched.init.pid, ...childrenOf(launched.init.pid).map((child) => child.pid)];
  for (const pid of all) if (!joined.has(pid)) await cgroup.join(pid);
}
