import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Log } from "#kit/log.ts";
import type { StartRequest } from "../site-runtime.ts";
import type { InstanceRecords } from "./instance-records.ts";
import { abandon, type Launched, launch } from "./launch.ts";
import { runFileCommand } from "./launch-command.ts";
import type { Machine } from "./machine.ts";
import { findProgram } from "./machine-programs.ts";
import { plainCommand } from "./plain-command.ts";
import { ProcessInstance } from "./process-instance.ts";
import { residentBytes } from "./process-table.ts";
import { leakedDescriptors, markedTree, markName } from "./process-tree.ts";
import { inspectRunFile } from "./run-file-kind.ts";
import { siteEnvironment } from "./site-environment.ts";
import { siteOwner } from "./site-owner.ts";

/** Starts an administrator's program where nothing can be isolated: as a plain child process on a loopback port. */
export async function startPlain(
  context: { readonly machine: Machine; readonly records: InstanceRecords; readonly log: Log },
  request: StartRequest,
  onEnd: () => void,
): Promise<ProcessInstance> {
  const { machine, records } = context;
  const { spec } = request;
  const name = `${spec.siteId}-${request.instance}`;
  const mark = `${machine.installation}/${name}`;
  const port = await freePort();
  const cgroup = machine.cgroups?.make(name, spec.limits, { isFreezable: true }) ?? null;
  const release = async (): Promise<void> => {
    await cgroup?.remove();
    records.remove(name);
    onEnd();
  };
  let launched: Launched | null = null;
  try {
    launched = await launch({
      argv: commandOf(machine, request),
      environment: environmentOf(machine, request, { mark, port }),
      scratchFolder: "/",
      onOutput: request.onOutput,
    });
    await cgroup?.join(launched.leader.pid);
    records.write(name, [launched.leader]);
    launched.open();
    const tree = markedTree(launched.leader, { mark, grouped: () => cgroup?.processes() ?? [] });
    return new ProcessInstance({
      siteId: spec.siteId,
      instance: request.instance,
      address: { host: loopback, port },
      launched,
      tree,
      // Without a group, what has cleared its environment would not be found, and would run on.
      freezer: cgroup?.freezer ?? null,
      memoryBytes: () => cgroup?.memoryBytes() ?? residentBytes(tree.members()),
      target: { address: loopback, port },
      reachable: Promise.resolve(),
      onBooted: () => undefined,
      oomKills: () => cgroup?.oomKills() ?? 0,
      release,
      log: context.log,
    });
  } catch (error) {
    if (launched !== null) await abandon(launched);
    await release();
    throw error;
  }
}

const loopback = "127.0.0.1";

function commandOf(machine: Machine, request: StartRequest): readonly string[] {
  const { spec, runFile, folder } = request;
  const owner = siteOwner(spec.siteId);
  const path = join(machine.view.siteFolder(folder), runFile);
  const find = (name: string): string | null => findProgram(name);
  const leaked = leakedDescriptors();
  const bash = leaked.length === 0 ? null : find("bash");
  return plainCommand({
    programs: { setpriv: find("setpriv"), nsenter: find("nsenter"), shell: bash ?? "/bin/sh" },
    as: owner === null ? null : { ...owner, mountNamespace: machine.view.namespace },
    fileBytes: spec.limits.fileBytes,
    gate: machine.view.gate,
    leaked: bash === null ? [] : leaked,
    // The launcher stands at /, since the folder's path is only valid in the mount namespace that it enters.
    command: [find("env") ?? "/usr/bin/env", `--chdir=${dirname(path)}`, ...runFileCommand(path, inspectRunFile(join(folder, runFile)))],
  });
}

function environmentOf(machine: Machine, request: StartRequest, own: { readonly mark: string; readonly port: number }): Readonly<Record<string, string>> {
  const home = join(machine.view.siteFolder(request.folder), ".home");
  const path = [dirname(machine.view.nodeBinary), join(home, ".local/bin"), "/usr/local/bin", "/usr/bin", "/bin"].join(":");
  return { ...siteEnvironment(request.spec, { host: loopback, port: own.port, home, path, databaseHost: machine.view.databaseFolder }), [markName]: own.mark };
}

/** Free when asked; the program that takes it is the only one that was told of it. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, loopback, () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
