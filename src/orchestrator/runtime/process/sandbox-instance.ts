import type { ChildProcess } from "node:child_process";
import { chownSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { siteDatabaseHost } from "#contract/site-database.ts";
import type { SiteAddress } from "#contract/site-spec.ts";
import type { Log } from "#kit/log.ts";
import type { StartRequest } from "../site-runtime.ts";
import type { SiteCgroup } from "./cgroups.ts";
import type { InstanceRecords } from "./instance-records.ts";
import { abandon, type Launched } from "./launch.ts";
import { runFileCommand } from "./launch-command.ts";
import type { Machine } from "./machine.ts";
import type { ParkedLauncher } from "./parked-launchers.ts";
import { ProcessInstance } from "./process-instance.ts";
import { childrenOf, residentBytes } from "./process-table.ts";
import { sandboxTree } from "./process-tree.ts";
import { type Relay, startRelay } from "./relay.ts";
import { inspectRunFile } from "./run-file-kind.ts";
import { inside } from "./sandbox-command.ts";
import { launchInSandbox, type SandboxMachine } from "./sandbox-machine.ts";
import { signalFreezer } from "./signal-freezer.ts";
import { siteEnvironment } from "./site-environment.ts";
import type { SiteNetwork } from "./site-networks.ts";
import { siteOwner } from "./site-owner.ts";

/** Every program has a network of its own, so all of them listen on the same port. */
const sitePort = 8080;
const largestTmpBytes = 64 * 1024 * 1024;

export interface SandboxContext {
  readonly machine: Machine;
  readonly sandbox: SandboxMachine;
  readonly records: InstanceRecords;
  readonly log: Log;
}

/** What an instance holds, in the order it was taken. */
interface Held {
  network: SiteNetwork | null;
  cgroup: SiteCgroup | null;
  /** What becomes the launcher. */
  parked: ChildProcess | null;
  launched: Launched | null;
  relay: Relay | null;
  /** Ends what the program may use beyond its share while it boots. */
  onBooted: () => void;
}

/** Starts a site's program in a sandbox. */
export async function startSandboxed(context: SandboxContext, request: StartRequest, onEnd: () => void): Promise<ProcessInstance> {
  const { sandbox, machine, records } = context;
  const { spec } = request;
  const name = `${spec.siteId}-${request.instance}`;
  const held: Held = { network: null, cgroup: null, parked: null, launched: null, relay: null, onBooted: () => undefined };
  const release = async (): Promise<void> => {
    held.onBooted();
    held.relay?.stop();
    held.network?.release();
    await held.cgroup?.remove();
    records.remove(name);
    onEnd();
  };
  try {
    // A site that may go out needs more than was prepared.
    const parked = spec.egress === "internet" ? null : (machine.parked?.take() ?? null);
    if (parked !== null) held.parked = parked.child;
    held.network = parked?.network ?? (await sandbox.networks?.lease({ hasEgress: spec.egress === "internet" })) ?? null;
    if (spec.egress === "internet" && held.network?.hasEgress !== true) {
      request.onOutput(
        "stderr",
        `Backlot: this site may connect to the internet, but this machine cannot let it. ${machine.capabilities.egress.notes.join(" ")}\n`,
      );
    }
    held.cgroup = parked === null ? (machine.cgroups?.make(name, spec.limits, { isFreezable: true }) ?? null) : parked.cgroup;
    parked?.cgroup?.limit(spec.limits);
    held.onBooted = allowBoot(machine, spec, held.cgroup);
    let joining = Promise.resolve();
    const onSpawned = (pid: number): void => {
      // A parked one is in already.
      if (parked !== null) return;
      joining = held.cgroup?.join(pid) ?? joining;
      // Looked at below, when the sandbox stands.
      joining.catch(() => undefined);
    };
    const launched = await launchProgram(sandbox, request, { network: held.network, onSpawned, parked });
    held.launched = launched;
    await joining;
    if (held.cgroup !== null && parked === null) await admit(launched, held.cgroup);
    if (held.network === null) held.relay = startRelay(relayPlan(sandbox, spec.siteId, { name, initPid: launched.init.pid }));
    const relayProcess = held.relay?.process ?? null;
    records.write(name, [launched.leader, launched.init, ...(relayProcess === null ? [] : [relayProcess])]);
    launched.open();
    const { cgroup, relay, network } = held;
    const tree = sandboxTree(launched.init);
    return new ProcessInstance({
      siteId: spec.siteId,
      instance: request.instance,
      address: addressOf(sandbox, network, name),
      launched,
      tree,
      freezer: cgroup?.freezer ?? signalFreezer(tree),
      memoryBytes: () => cgroup?.memoryBytes() ?? residentBytes(tree.members()),
      target: { address: network?.host ?? "127.0.0.1", port: sitePort },
      reachable: relay?.listens ?? Promise.resolve(),
      onBooted: held.onBooted,
      oomKills: () => cgroup?.oomKills() ?? 0,
      release,
      log: context.log,
    });
  } catch (error) {
    if (held.launched !== null) await abandon(held.launched);
    else held.parked?.kill("SIGKILL");
    await release();
    throw error;
  }
}

/** Lets a program boot beyond its share of the processor, for a bounded time; what is given back ends that. */
function allowBoot(machine: Machine, spec: StartRequest["spec"], cgroup: SiteCgroup | null): () => void {
  const allowance = cgroup === null ? null : machine.boots.begin(spec.siteId, spec.limits.cpu);
  if (allowance === null) return () => undefined;
  const end = (): void => {
    clearTimeout(timer);
    allowance.end();
    cgroup?.limitCpu(spec.limits.cpu);
  };
  const timer = setTimeout(end, allowance.forMs).unref();
  cgroup?.limitCpu(allowance.cpu);
  return end;
}

function addressOf(sandbox: SandboxMachine, network: SiteNetwork | null, name: string): SiteAddress {
  return network === null ? { socket: socketPath(sandbox, name) } : { host: network.host, port: sitePort };
}

function launchProgram(
  machine: SandboxMachine,
  request: StartRequest,
  given: { readonly network: SiteNetwork | null; readonly onSpawned: (pid: number) => void; readonly parked: ParkedLauncher | null },
): Promise<Launched> {
  const { spec, runFile, folder } = request;
  const { network } = given;
  const databaseFolder = spec.database === null ? null : machine.view.databaseFolder;
  const databaseHost = databaseFolder === null ? null : siteDatabaseHost;
  const place = { host: "0.0.0.0", port: sitePort, home: inside.home, path: inside.path, databaseHost };
  return launchInSandbox(machine, {
    sandbox: {
      folder: machine.view.siteFolder(folder),
      workFolder: dirname(join(inside.site, runFile)),
      environment: siteEnvironment(spec, place),
      databaseFolder,
      ownsNetwork: network === null,
      hasEgress: network?.hasEgress ?? false,
      isEntered: network === null && !machine.isRoot,
      tmpBytes: Math.min(largestTmpBytes, Math.floor(spec.limits.memoryBytes / 2)),
    },
    owner: siteOwner(spec.siteId),
    networkNamespace: network?.namespace ?? null,
    limits: spec.limits,
    command: runFileCommand(join(inside.site, runFile), inspectRunFile(join(folder, runFile))),
    onOutput: request.onOutput,
    onSpawned: given.onSpawned,
    ...(given.parked === null ? {} : { parked: given.parked.child }),
  });
}

// The launcher was moved while it made the sandbox; what it had started before that is moved now. All of it waits at the
// gate, so nothing can be started beside it.
async function admit(launched: Launched, cgroup: SiteCgroup): Promise<void> {
  const inside = new Set(cgroup.processes());
  const all = [launched.init.pid, ...childrenOf(launched.init.pid).map((child) => child.pid)];
  for (const pid of all) if (!inside.has(pid)) await cgroup.join(pid);
}

function relayPlan(sandbox: SandboxMachine, siteId: number, instance: { readonly name: string; readonly initPid: number }) {
  const socket = socketPath(sandbox, instance.name);
  const owner = siteOwner(siteId);
  const folder = dirname(socket);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  rmSync(socket, { force: true });
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  const { nsenter, setpriv, socat } = sandbox.programs;
  const { namespace, nodeBinary, relay } = sandbox.view;
  const as = owner === null || namespace === null ? null : { ...owner, mountNamespace: namespace };
  return { programs: { nsenter, setpriv, socat, node: nodeBinary, relayFile: relay }, initPid: instance.initPid, as, socket, port: sitePort };
}

function socketPath(sandbox: SandboxMachine, name: string): string {
  return join(sandbox.socketFolder, name, "s");
}
