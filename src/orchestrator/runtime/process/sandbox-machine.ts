import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { type Launched, type LaunchOptions, launch } from "./launch.ts";
import { descriptors, type LaunchAs, launchCommand } from "./launch-command.ts";
import type { MachineOptions } from "./machine-options.ts";
import { type Installation, isRoot, makeSocketFolder, scratchFolder, viewFolder } from "./machine-places.ts";
import { findProgram, findPrograms } from "./machine-programs.ts";
import type { MountView } from "./mount-view.ts";
import { etcFiles } from "./private-etc.ts";
import { leakedDescriptors } from "./process-tree.ts";
import { type Sandbox, type SandboxFacts, sandboxArguments } from "./sandbox-command.ts";
import { seccompFilter } from "./seccomp-filter.ts";
import { SiteNetworks } from "./site-networks.ts";
import { firstSiteUid } from "./site-owner.ts";
import { canDisableUserNamespaces, systemFolders } from "./system-folders.ts";

/** Programs that launching needs, by absolute path. */
export interface MachinePrograms {
  readonly bwrap: string;
  readonly prlimit: string;
  /** Null where Node relays instead. */
  readonly socat: string | null;
  readonly nsenter: string;
  readonly setpriv: string;
  readonly shell: string;
}

/** What makes sandboxes here. */
export interface SandboxMachine {
  readonly programs: MachinePrograms;
  readonly view: MountView;
  readonly facts: SandboxFacts;
  /** Null where programs are reached through relays. */
  readonly networks: SiteNetworks | null;
  readonly socketFolder: string;
  readonly scratchFolder: string;
  /** A file with the filter of system calls; null where none is known for this processor. */
  readonly seccompFile: string | null;
  readonly isRoot: boolean;
  readonly leaked: readonly number[];
  /** Control groups do not limit the number of processes here, so the process itself has to be. */
  readonly limitsOwnPids: boolean;
}

/** What to run in a sandbox, and as whom. */
export interface SandboxLaunch {
  readonly sandbox: Sandbox;
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly networkNamespace: string | null;
  readonly limits: { readonly fileBytes: number; readonly pids: number; readonly dataBytes?: number | null };
  readonly command: readonly string[];
  readonly onOutput: (stream: "stdout" | "stderr", text: string) => void;
  readonly onSpawned?: (pid: number) => void;
  /** One that stands in the mount namespace and in this network already. */
  readonly parked?: ChildProcess;
  readonly takeOutput?: LaunchOptions["takeOutput"];
}

/** Finds out how sandboxes are made here, by making some; throws when none can be made. */
export async function prepareSandbox(
  options: MachineOptions & { readonly view: MountView; readonly limitsPids: boolean },
  programs: MachinePrograms,
): Promise<SandboxMachine> {
  if (isRoot() && options.view.namespace === null) throw new Error("the platform may not mount here, so sites cannot have a user of their own");
  const machine = await describeMachine(options, programs);
  await tryLaunch(machine, null);
  return { ...machine, networks: await makeNetworks(options, machine) };
}

async function describeMachine(
  options: Installation & { readonly view: MountView; readonly limitsPids: boolean },
  programs: MachinePrograms,
): Promise<SandboxMachine> {
  const { view } = options;
  const leaked = leakedDescriptors();
  const bash = leaked.length === 0 ? null : findProgram("bash");
  return {
    programs: { ...programs, shell: bash ?? programs.shell },
    view,
    facts: {
      systemFolders: systemFolders(),
      etcFolder: view.etcFolder,
      etcFiles: Object.keys(etcFiles),
      nodeBinary: view.nodeBinary,
      gate: view.gate,
      canDisableUserNamespaces: await canDisableUserNamespaces(programs.bwrap),
    },
    networks: null,
    socketFolder: makeSocketFolder(options),
    scratchFolder: scratchFolder(options),
    seccompFile: writeSeccompFile(options),
    isRoot: isRoot(),
    leaked: bash === null ? [] : leaked,
    limitsOwnPids: !options.limitsPids,
  };
}

function writeSeccompFile(options: Installation): string | null {
  const filter = seccompFilter(arch());
  if (filter === null) return null;
  const path = join(viewFolder(options), "seccomp");
  writeFileSync(path, filter);
  return path;
}

/** Null where relays have to do. */
async function makeNetworks(options: MachineOptions, machine: SandboxMachine): Promise<SiteNetworks | null> {
  if (options.mode === "relay" || !isRoot()) return null;
  const { found, missing } = findPrograms(["ip", "nft", "unshare", "nsenter"]);
  let networks: SiteNetworks | null = null;
  try {
    if (missing.length > 0) throw new Error(`not installed: ${missing.join(", ")}`);
    const { installation, quarantineMs, clock, log } = options;
    const { closedNetworks, resolverFiles } = options;
    const { etcFolder } = machine.view;
    const warm = options.warmNetworks;
    const blockFile = join(options.stateFolder, "address-block");
    networks = await SiteNetworks.open({ installation, blockFile, quarantineMs, clock, log, warm, programs: found, etcFolder, closedNetworks, resolverFiles });
    await tryLaunch(machine, networks);
    return networks;
  } catch (error) {
    await networks?.close();
    if (options.mode === "veth") throw error;
    options.log.warn({ err: error }, "no network of their own for sites; relays do instead");
    return null;
  }
}

/** Runs a program in a sandbox: the only way to know that it works here. */
async function tryLaunch(machine: SandboxMachine, networks: SiteNetworks | null): Promise<void> {
  const network = networks === null ? null : await networks.lease({ hasEgress: false });
  try {
    const launched = await launchInSandbox(machine, {
      sandbox: {
        folder: null,
        workFolder: "/",
        environment: {},
        databaseFolder: null,
        ownsNetwork: network === null,
        hasEgress: false,
        isEntered: network === null && !machine.isRoot,
        tmpBytes: 1024 * 1024,
      },
      owner: machine.isRoot ? { uid: firstSiteUid, gid: firstSiteUid } : null,
      networkNamespace: network?.namespace ?? null,
      limits: { fileBytes: 1024 * 1024, pids: 8 },
      command: ["/bin/true"],
      onOutput: () => undefined,
    });
    launched.open();
    const { code, signal } = await launched.ended;
    if (code !== 0) throw new Error(`a program in a sandbox ended with ${code ?? signal}`);
  } finally {
    network?.release();
  }
}

/** Starts a program in a sandbox, up to its gate. */
export function launchInSandbox(machine: SandboxMachine, request: SandboxLaunch): Promise<Launched> {
  const { owner, networkNamespace, limits } = request;
  const mountNamespace = machine.view.namespace;
  const as: LaunchAs | null =
    owner === null || mountNamespace === null
      ? null
      : { ...owner, ...(request.parked === undefined ? { mountNamespace, networkNamespace } : { mountNamespace: null, networkNamespace: null }) };
  return launch({
    argv: launchCommand({
      programs: machine.programs,
      as,
      fileBytes: limits.fileBytes,
      pids: machine.limitsOwnPids ? limits.pids : null,
      dataBytes: limits.dataBytes ?? null,
      leaked: machine.leaked,
      command: request.command,
    }),
    sandbox: {
      arguments: sandboxArguments(request.sandbox, machine.facts, machine.seccompFile === null ? null : descriptors.seccomp),
      seccompFile: machine.seccompFile,
    },
    scratchFolder: machine.scratchFolder,
    onOutput: request.onOutput,
    ...(request.takeOutput === undefined ? {} : { takeOutput: request.takeOutput }),
    ...(request.parked === undefined ? {} : { parked: request.parked }),
    ...(request.onSpawned === undefined ? {} : { onSpawned: request.onSpawned }),
  });
}
