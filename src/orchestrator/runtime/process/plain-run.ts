import { dirname, join } from "node:path";
import type { Log } from "#kit/log.ts";
import { type RunRequest, siteScriptsFolder } from "../run.ts";
import type { InstanceRecords } from "./instance-records.ts";
import { abandon, type Launched, launch } from "./launch.ts";
import { dataBound } from "./launch-command.ts";
import type { Machine } from "./machine.ts";
import { findProgram } from "./machine-programs.ts";
import { plainCommand } from "./plain-command.ts";
import { ProcessRun, takeOutputFor } from "./process-run.ts";
import { leakedDescriptors, markedTree, markName } from "./process-tree.ts";
import { makeRunCgroup } from "./run-cgroup.ts";
import { type RunPaths, runCommandLine, runEnvironment } from "./run-plan.ts";
import { homeOwner, siteOwner } from "./site-owner.ts";

const homeFileBytes = 2 ** 50;

/** Starts a trusted run where nothing can be isolated. */
export async function startPlainRun(
  context: { readonly machine: Machine; readonly records: InstanceRecords; readonly log: Log },
  request: RunRequest,
  onEnd: () => void,
): Promise<ProcessRun> {
  const { machine, records } = context;
  const name = `run-${request.run}`;
  const mark = `${machine.installation}/${name}`;
  const paths = pathsOf(machine, request);
  const cgroup = machine.cgroups === null ? null : makeRunCgroup(machine.cgroups, name, request.limits);
  const release = async (): Promise<void> => {
    records.remove(name);
    onEnd();
    await cgroup?.remove();
  };
  let launched: Launched | null = null;
  try {
    launched = await launch({
      argv: commandOf(machine, request, paths),
      environment: { ...runEnvironment(request, paths), [markName]: mark },
      scratchFolder: "/",
      onOutput: () => undefined,
      takeOutput: takeOutputFor(request.onOutput),
    });
    await cgroup?.join(launched.leader.pid);
    records.write(name, [launched.leader]);
    launched.open();
    const tree = markedTree(launched.leader, { mark, grouped: () => cgroup?.processes() ?? [] });
    return new ProcessRun({ launched, tree, cgroup, release, log: context.log });
  } catch (error) {
    if (launched !== null) await abandon(launched);
    await release();
    throw error;
  }
}

function pathsOf(machine: Machine, { place }: RunRequest): RunPaths {
  const { view } = machine;
  const pathWith = (home: string): string => [dirname(view.nodeBinary), join(home, ".local/bin"), "/usr/local/bin", "/usr/bin", "/bin"].join(":");
  if (place.kind === "site") {
    const folder = view.siteFolder(place.folder);
    const home = join(folder, ".home");
    return { work: folder, scripts: join(folder, siteScriptsFolder), home, path: pathWith(home), databaseHost: view.databaseFolder };
  }
  if (view.home === null) throw new Error("this runtime was given no home folder");
  const { folder, library } = view.home;
  return { work: folder, scripts: library, home: folder, path: pathWith(folder), databaseHost: null };
}

function commandOf(machine: Machine, request: RunRequest, paths: RunPaths): readonly string[] {
  const { place } = request;
  const owner = place.kind === "site" ? siteOwner(place.spec.siteId) : homeOwner();
  const leaked = leakedDescriptors();
  const bash = leaked.length === 0 ? null : findProgram("bash");
  const prlimit = machine.capabilities.limits.memory ? null : findProgram("prlimit");
  return plainCommand({
    programs: { setpriv: findProgram("setpriv"), nsenter: findProgram("nsenter"), shell: bash ?? "/bin/sh" },
    as: owner === null ? null : { ...owner, mountNamespace: machine.view.namespace },
    fileBytes: place.kind === "site" ? place.spec.limits.fileBytes : homeFileBytes,
    gate: machine.view.gate,
    leaked: bash === null ? [] : leaked,
    command: [
      ...(prlimit === null ? [] : [prlimit, `--data=${dataBound(request.limits.memoryBytes)}`]),
      ...[findProgram("env") ?? "/usr/bin/env", `--chdir=${paths.work}`],
      ...runCommandLine(request.command, request.arguments, paths.scripts),
    ],
  });
}
