import { mkdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import type { RuntimeCapabilities } from "../site-runtime.ts";
import { type Cgroups, makeCgroupParents, openCgroups } from "./cgroups.ts";
import { launch } from "./launch.ts";
import { type LaunchAs, launchCommand } from "./launch-command.ts";
import { findProgram, findPrograms } from "./machine-programs.ts";
import { type MountView, privateView, sharedView } from "./mount-view.ts";
import { etcFiles } from "./private-etc.ts";
import { leakedDescriptors } from "./process-tree.ts";
import { type SandboxFacts, sandboxArguments } from "./sandbox-command.ts";
import { SiteNetworks } from "./site-networks.ts";
import { firstSiteUid } from "./site-owner.ts";
import { canDisableUserNamespaces, systemFolders } from "./system-folders.ts";

/** How a site's program is reached: over a veth pair, over a unix socket and a relay, or without any isolation. */
export type RuntimeMode = "veth" | "relay" | "plain";

export interface MachineOptions {
  readonly installation: string;
  readonly stateFolder: string;
  readonly sitesFolder: string;
  readonly nodeBinary: string;
  /** `auto` takes the best that works here. */
  readonly mode: RuntimeMode | "auto";
  readonly quarantineMs: number;
  readonly warmNetworks: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Programs that launching needs, by absolute path. */
export interface MachinePrograms {
  readonly bwrap: string;
  readonly prlimit: string;
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
  readonly isRoot: boolean;
  readonly leaked: readonly number[];
}

/** What was found out about this machine, and made on it. */
export interface Machine {
  readonly capabilities: RuntimeCapabilities;
  /** Null where sites cannot be isolated. */
  readonly sandbox: SandboxMachine | null;
  readonly cgroups: Cgroups | null;
  close(): Promise<void>;
}

/** Files that launchers of sites' users have to reach, and that go with the machine's next start at the latest. */
export function viewFolder(options: { readonly installation: string; readonly stateFolder: string }): string {
  return isRoot() ? `/run/backlot-${options.installation}` : join(options.stateFolder, "view");
}

/** Unix sockets: their paths may have at most 107 bytes, which a state folder can exceed. */
export function socketFolder(options: { readonly installation: string }): string {
  return isRoot() ? `/run/backlot-${options.installation}/sockets` : join(tmpdir(), `backlot-${process.getuid?.()}-${options.installation}`);
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Prepares the machine: tries what works, from the best mode down, and keeps what it made. */
export async function prepareMachine(options: MachineOptions): Promise<Machine> {
  const parents = makeCgroupParents(options.installation, options.log);
  const cgroups = parents === null ? null : openCgroups(parents);
  const limits = cgroups?.limits ?? { memory: false, cpu: false, pids: false };
  const missing: string[] = [];
  let sandbox: SandboxMachine | null = null;
  if (options.mode === "plain") missing.push("the setting forbids it");
  else sandbox = await prepareSandbox(options, missing);
  return {
    capabilities: { isolates: sandbox !== null, missing, limits },
    sandbox,
    cgroups,
    close: async () => {
      await sandbox?.networks?.close();
      if (sandbox !== null) rmSync(sandbox.socketFolder, { recursive: true, force: true });
      sandbox?.view.close();
      await cgroups?.close();
    },
  };
}

async function prepareSandbox(options: MachineOptions, missing: string[]): Promise<SandboxMachine | null> {
  const { found, missing: absent } = findPrograms(["bwrap", "prlimit", "nsenter", "setpriv"]);
  if (absent.length > 0) {
    missing.push(...absent.map((name) => (name === "bwrap" ? "bubblewrap is not installed" : `the program ${name} is not installed`)));
    return null;
  }
  let view: MountView | null = null;
  try {
    view = await makeView(options);
    const sandbox = await describeSandbox({ ...found, shell: "/bin/sh" }, view);
    mkdirSync(sandbox.socketFolder(options), { recursive: true, mode: 0o711 });
    const machine: SandboxMachine = { ...sandbox.machine, socketFolder: sandbox.socketFolder(options), scratchFolder: scratchFolder(options), networks: null };
    await trySandbox(machine, null);
    return { ...machine, networks: await makeNetworks(options, machine) };
  } catch (error) {
    view?.close();
    if (options.mode !== "auto") throw error;
    options.log.warn({ err: error }, "sandbox does not work here");
    missing.push(`bubblewrap does not work here: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

async function describeSandbox(programs: MachinePrograms, view: MountView) {
  const leaked = leakedDescriptors();
  const bash = leaked.length === 0 ? null : findProgram("bash");
  const facts: SandboxFacts = {
    systemFolders: systemFolders(),
    etcFolder: view.etcFolder,
    etcFiles: Object.keys(etcFiles),
    nodeBinary: view.nodeBinary,
    gate: view.gate,
    canDisableUserNamespaces: await canDisableUserNamespaces(programs.bwrap),
  };
  return {
    machine: { programs: { ...programs, shell: bash ?? programs.shell }, view, facts, isRoot: isRoot(), leaked: bash === null ? [] : leaked },
    socketFolder,
  };
}

async function makeView(options: MachineOptions): Promise<MountView> {
  const folder = viewFolder(options);
  const nodeBinary = realpathSync(options.nodeBinary);
  if (!isRoot()) return sharedView({ folder, nodeBinary });
  const { found, missing } = findPrograms(["unshare", "nsenter", "mount", "cat"]);
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(", ")}`);
  return privateView({ folder, nodeBinary, sitesFolder: options.sitesFolder, programs: found });
}

/** Null where relays have to do. */
async function makeNetworks(options: MachineOptions, machine: SandboxMachine): Promise<SiteNetworks | null> {
  if (options.mode === "relay" || !isRoot()) return null;
  const { found, missing } = findPrograms(["ip", "nft", "unshare"]);
  try {
    if (missing.length > 0) throw new Error(`not installed: ${missing.join(", ")}`);
    const { installation, quarantineMs, clock, log } = options;
    const networks = await SiteNetworks.open({ installation, quarantineMs, clock, log, warm: options.warmNetworks, programs: found });
    await trySandbox(machine, networks);
    return networks;
  } catch (error) {
    if (options.mode === "veth") throw error;
    options.log.warn({ err: error }, "no network of their own for sites; relays do instead");
    return null;
  }
}

/** Runs a program in a sandbox: the only way to know that it works here. */
async function trySandbox(machine: SandboxMachine, networks: SiteNetworks | null): Promise<void> {
  const network = networks === null ? null : await networks.lease();
  try {
    const sandbox = {
      folder: null,
      workFolder: "/",
      environment: {},
      ownsNetwork: network === null,
      isEntered: network === null && !machine.isRoot,
      tmpBytes: 1024 * 1024,
    };
    const launched = await launch({
      argv: launchCommand({
        programs: machine.programs,
        as: launchAs(machine, { uid: firstSiteUid, gid: firstSiteUid }, network?.namespace ?? null),
        fileBytes: 1024 * 1024,
        leaked: machine.leaked,
        command: ["/bin/true"],
      }),
      sandboxArguments: sandboxArguments(sandbox, machine.facts),
      scratchFolder: machine.scratchFolder,
      onOutput: () => undefined,
    });
    launched.open();
    const { code, signal } = await launched.ended;
    if (code !== 0) throw new Error(`a program in a sandbox ended with ${code ?? signal}`);
  } finally {
    network?.release();
  }
}

/** Whom a launcher becomes, and where. */
export function launchAs(
  machine: SandboxMachine,
  owner: { readonly uid: number; readonly gid: number } | null,
  networkNamespace: string | null,
): LaunchAs | null {
  if (owner === null || machine.view.namespace === null) return null;
  return { ...owner, mountNamespace: machine.view.namespace, networkNamespace };
}

/** In memory where possible: the arguments hold the site's variables, which may be secrets. */
function scratchFolder(options: MachineOptions): string {
  try {
    realpathSync("/dev/shm");
    return "/dev/shm";
  } catch {
    return options.stateFolder;
  }
}

/** The relay that Node runs where socat is not installed. */
export const relayFile = fileURLToPath(new URL("./relay-program.mjs", import.meta.url));
