import { realpathSync, rmSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { RuntimeCapabilities } from "../site-runtime.ts";
import { BootBudget } from "./boot-budget.ts";
import { type Cgroups, makeCgroupParents, openCgroups } from "./cgroups.ts";
import type { MachineOptions } from "./machine-options.ts";
import { isRoot, nurseryFolder, socketFolder, viewFolder } from "./machine-places.ts";
import { findProgram, findPrograms } from "./machine-programs.ts";
import { type MountView, privateView, sharedView } from "./mount-view.ts";
import { Nurseries } from "./nurseries.ts";
import { fitsNursery } from "./nursery-launch.ts";
import { ParkedLaunchers } from "./parked-launchers.ts";
import { RunRoot } from "./run-root.ts";
import { prepareSandbox, type SandboxMachine } from "./sandbox-machine.ts";

/** What was found out about this machine, and made on it. */
export interface Machine {
  readonly capabilities: RuntimeCapabilities;
  readonly installation: string;
  readonly view: MountView;
  /** Null where sites cannot be isolated. */
  readonly sandbox: SandboxMachine | null;
  readonly cgroups: Cgroups | null;
  readonly boots: BootBudget;
  /** Null where programs have no network of their own. */
  readonly parked: ParkedLaunchers | null;
  /** Null where runs have to be launched one by one. */
  readonly nurseries: Nurseries | null;
  close(): Promise<void>;
}

/** Prepares the machine: tries what works, from the best mode down, and keeps what it made. */
export async function prepareMachine(options: MachineOptions): Promise<Machine> {
  const parents = makeCgroupParents(options.installation, options.log);
  const cgroups = parents === null ? null : openCgroups(parents);
  const held = cgroups?.limits ?? { memory: false, cpu: false, pids: false };
  const missing: string[] = [];
  const view = await makeView(options);
  const sandbox = await sandboxOrReason({ ...options, view, limitsPids: held.pids }, missing);
  const networks = sandbox?.networks ?? null;
  const parked =
    sandbox === null || networks === null || options.parkedLaunchers === 0
      ? null
      : new ParkedLaunchers({ machine: sandbox, networks, cgroups, count: options.parkedLaunchers, log: options.log });
  const nurseries = sandbox === null ? null : openNurseries(options, sandbox, cgroups);
  return {
    capabilities: {
      isolates: sandbox !== null,
      missing,
      limits: { ...held, pids: held.pids || (sandbox !== null && countsProcessesPerNamespace()) },
      ...freezingOf(sandbox, cgroups),
      egress: egressOf(sandbox),
    },
    installation: options.installation,
    view,
    sandbox,
    cgroups,
    boots: new BootBudget(options.clock),
    parked,
    nurseries,
    close: async () => {
      await Promise.all([parked?.close(), nurseries?.close()]);
      await sandbox?.networks?.close();
      rmSync(socketFolder(options), { recursive: true, force: true });
      view.close();
      await cgroups?.close();
    },
  };
}

function openNurseries(options: MachineOptions, sandbox: SandboxMachine, cgroups: Cgroups | null): Nurseries | null {
  const mkfifo = findProgram("mkfifo");
  // Where control groups do not limit, a program in front of bubblewrap has to.
  if (mkfifo === null || options.idleNurseries === 0 || cgroups?.limits.memory !== true || !fitsNursery(sandbox)) return null;
  const { programs, view, seccompFile, leaked } = sandbox;
  const { found, missing } = findPrograms(["unshare", "ip"]);
  // An ordinary user makes a network only within a sandbox.
  const network = isRoot() && missing.length === 0 ? found : null;
  const place = { programs: { ...programs, mkfifo }, network, leaked, mountNamespace: view.namespace, seccompFile, folder: nurseryFolder(options) };
  const folders = [join(viewFolder(options), "root-0"), join(viewFolder(options), "root-1")] as const;
  const root = new RunRoot({ view, folders, facts: { ...sandbox.facts, gate: view.nurseryGate }, programs, log: options.log });
  const { idleNurseries, idleSandboxMs, freshRunGroups, log } = options;
  return new Nurseries({ place, root, cgroups, idle: idleNurseries, idleSandboxMs, freshGroups: freshRunGroups, log });
}

function freezingOf(sandbox: SandboxMachine | null, cgroups: Cgroups | null): Pick<RuntimeCapabilities, "freezes" | "freezeNote"> {
  // A sandbox's processes are all found below its first one, and can be halted by signals.
  if (sandbox !== null || cgroups?.freezes === true) return { freezes: true, freezeNote: null };
  return {
    freezes: false,
    freezeNote: "Programs run without isolation and without control groups of version 2 here, so that not all processes of one are known for sure.",
  };
}

function egressOf(sandbox: SandboxMachine | null): RuntimeCapabilities["egress"] {
  if (sandbox === null) {
    return {
      isAvailable: false,
      notes: ["Programs run without isolation here: each of them can connect to whatever this machine can, with or without the setting."],
    };
  }
  if (sandbox.networks !== null) return sandbox.networks.egress;
  return {
    isAvailable: false,
    notes: [
      isRoot() ? "Sites have no network of their own here, only a relay." : "Backlot does not run as root, and only root can route and filter what sites send.",
    ],
  };
}

async function sandboxOrReason(options: MachineOptions & { readonly view: MountView; readonly limitsPids: boolean }, missing: string[]) {
  if (options.mode === "plain") {
    missing.push("isolation is switched off by a setting");
    return null;
  }
  const { found, missing: absent } = findPrograms(["bwrap", "prlimit", "nsenter", "setpriv"]);
  if (absent.length > 0) {
    missing.push(...absent.map((name) => (name === "bwrap" ? "bubblewrap is not installed" : `the program ${name} is not installed`)));
    return null;
  }
  try {
    return await prepareSandbox(options, { ...found, shell: "/bin/sh", socat: options.hasSocat ? findProgram("socat") : null });
  } catch (error) {
    if (options.mode !== "auto") throw error;
    options.log.warn({ err: error }, "bubblewrap does not work here");
    missing.push(`bubblewrap does not work here: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

async function makeView(options: MachineOptions): Promise<MountView> {
  const folder = viewFolder(options);
  const nodeBinary = realpathSync(options.nodeBinary);
  const { databaseSockets, home } = options;
  if (!isRoot()) return sharedView({ folder, nodeBinary, databaseSockets, home });
  const { found, missing } = findPrograms(["unshare", "nsenter", "mount", "cat"]);
  try {
    if (missing.length > 0) throw new Error(`not installed: ${missing.join(", ")}`);
    return await privateView({ folder, nodeBinary, databaseSockets, home, sitesFolder: options.sitesFolder, programs: found });
  } catch (error) {
    // A container that may not mount: no sandbox works there either, as the trial will tell.
    options.log.warn({ err: error }, "no mount namespace of our own");
    return sharedView({ folder, nodeBinary, databaseSockets, home });
  }
}

/** Linux 5.14 and newer count a user's processes in each user namespace, so that a limit on them is one per sandbox. */
export function countsProcessesPerNamespace(): boolean {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  return major > 5 || (major === 5 && minor >= 14);
}
