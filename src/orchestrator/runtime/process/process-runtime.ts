import { createHash } from "node:crypto";
import { chownSync, mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "#contract/failure.ts";
import { type SteadyClock, steadyClock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import type { EnteredProgram, EnterRequest } from "../enter.ts";
import type { RunningRun, RunRequest } from "../run.ts";
import type { RunningInstance, RuntimeCapabilities, SiteRuntime, StartRequest } from "../site-runtime.ts";
import { InstanceRecords } from "./instance-records.ts";
import { removeLeftovers } from "./leftovers.ts";
import { type Machine, prepareMachine } from "./machine.ts";
import type { RuntimeMode } from "./machine-options.ts";
import { makeSocketFolder } from "./machine-places.ts";
import type { RunFolders } from "./mount-view.ts";
import { resolverFiles } from "./name-servers.ts";
import { installationPattern } from "./network-plan.ts";
import { startPlain } from "./plain-instance.ts";
import { startPlainRun } from "./plain-run.ts";
import type { ProcessInstance } from "./process-instance.ts";
import type { ProcessRun } from "./process-run.ts";
import { startSandboxed } from "./sandbox-instance.ts";
import { startSandboxedRun } from "./sandbox-run.ts";
import { homeOwner } from "./site-owner.ts";
import { TerminalKeeper } from "./terminal-keeper.ts";
import type { EnteredProcess } from "./terminal-process.ts";
import { startEntered } from "./terminal-start.ts";

/** Settings of the runtime that runs sites' programs as child processes of this one. */
export interface ProcessRuntimeOptions {
  /** What has to survive this process: which processes it started. */
  readonly stateFolder: string;
  /** Every site's folder lies below it. */
  readonly sitesFolder: string;
  /** Where runs that belong to no site are, and their scripts; made when they are absent. */
  readonly home?: RunFolders;
  readonly log: Log;
  /** 1 to 6 lower-case letters and digits that name this Backlot among others on the machine; by default derived from the state folder. */
  readonly installation?: string;
  /** The folder of the socket of sites' databases, made if it is not there; without it sites have none. */
  readonly databaseSockets?: string;
  /** The Node that sites run; by default the one that runs us. */
  readonly nodeBinary?: string;
  /** `auto` takes the best that works here. */
  readonly mode?: RuntimeMode | "auto";
  /** How long an address rests before another program gets it. */
  readonly quarantineMs?: number;
  /** How many networks wait ready for a start. */
  readonly warmNetworks?: number;
  /** How many launchers wait ready for a start. */
  readonly parkedLaunchers?: number;
  /** How many nurseries wait for runs; 0 launches every run from the beginning. */
  readonly idleNurseries?: number;
  /** How long a sandbox that a run has left as it was waits for another one like it. */
  readonly idleSandboxMs?: number;
  /** New control groups for each run, as where the kernel cannot count anew in old ones. */
  readonly freshRunGroups?: boolean;
  /** Networks that stay closed to sites that may connect to the internet, besides the private ones: `192.0.2.0/24`. */
  readonly closedNetworks?: readonly string[];
  /** Where this machine's name servers stand, instead of the usual files. */
  readonly resolverFiles?: readonly string[];
  /** False: relay by Node even where socat is installed. */
  readonly hasSocat?: boolean;
  readonly clock?: SteadyClock;
}

/**
 * Runs sites' programs as child processes, each in a sandbox of its own. To be used from the main thread: the kernel ends the
 * programs with the *thread* that started them.
 */
export function createProcessRuntime(options: ProcessRuntimeOptions): SiteRuntime {
  return new ProcessRuntime(options);
}

const instancePattern = /^[a-zA-Z0-9_-]{1,64}$/;

class ProcessRuntime implements SiteRuntime {
  readonly kind = "process";
  readonly #options: ProcessRuntimeOptions;
  readonly #installation: string;
  readonly #records: InstanceRecords;
  readonly #running = new Set<Promise<ProcessInstance>>();
  readonly #runs = new Set<Promise<ProcessRun>>();
  readonly #entered = new Set<Promise<EnteredProcess>>();
  readonly #keeper: TerminalKeeper;
  #cleaned: Promise<number> | null = null;
  #machine: Promise<Machine> | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options;
    mkdirSync(options.stateFolder, { recursive: true, mode: 0o700 });
    mkdirSync(options.sitesFolder, { recursive: true, mode: 0o711 });
    if (options.databaseSockets !== undefined) mkdirSync(options.databaseSockets, { recursive: true, mode: 0o755 });
    if (options.home !== undefined) openHome(options.home);
    this.#installation = options.installation ?? installationOf(options.stateFolder);
    if (!installationPattern.test(this.#installation)) throw new Error(`the installation ${this.#installation} does not match ${installationPattern}`);
    this.#records = new InstanceRecords(options.stateFolder);
    this.#keeper = new TerminalKeeper({
      folder: () => join(makeSocketFolder({ installation: this.#installation, stateFolder: options.stateFolder }), "terminals"),
      onProcess: (kept) => (kept === null ? this.#records.remove("terminals") : this.#records.write("terminals", [kept])),
      log: options.log,
    });
  }

  cleanUp(): Promise<number> {
    this.#cleaned ??= removeLeftovers({
      installation: this.#installation,
      stateFolder: this.#options.stateFolder,
      records: this.#records,
      log: this.#options.log,
    });
    return this.#cleaned;
  }

  async probe(): Promise<RuntimeCapabilities> {
    const { capabilities, sandbox } = await this.#prepared();
    const trouble = (await sandbox?.networks?.trouble()) ?? null;
    return trouble === null ? capabilities : { ...capabilities, isolates: false, missing: [...capabilities.missing, trouble] };
  }

  async trouble(): Promise<string | null> {
    return (await this.#machine?.catch(() => null))?.sandbox?.networks?.lately() ?? null;
  }

  async start(request: StartRequest): Promise<RunningInstance> {
    if (!instancePattern.test(request.instance)) throw new Error(`the instance key ${request.instance} does not match ${instancePattern}`);
    if (request.spec.kind === "static") throw new Failure("dedicated_unavailable");
    const machine = await this.#prepared();
    if (this.#closed !== null) throw new Failure("machine_full");
    await keptApart(machine, request.spec.isTrusted);
    const starting: Promise<ProcessInstance> = this.#launch(machine, { ...request, folder: realpathSync(request.folder) }, () =>
      this.#running.delete(starting),
    );
    this.#running.add(starting);
    starting.catch(() => this.#running.delete(starting));
    return starting;
  }

  async run(request: RunRequest): Promise<RunningRun> {
    if (!instancePattern.test(request.run)) throw new Error(`the key of the run ${request.run} does not match ${instancePattern}`);
    const machine = await this.#prepared();
    if (this.#closed !== null) throw new Failure("machine_full");
    const { place } = request;
    await keptApart(machine, place.kind === "home" || place.spec.isTrusted);
    const real = place.kind === "home" ? request : { ...request, place: { ...place, folder: realpathSync(place.folder) } };
    const starting: Promise<ProcessRun> = this.#launchRun(machine, real, () => this.#runs.delete(starting));
    this.#runs.add(starting);
    starting.catch(() => this.#runs.delete(starting));
    return starting;
  }

  async enter(request: EnterRequest): Promise<EnteredProgram> {
    if (!instancePattern.test(request.key)) throw new Error(`the key ${request.key} does not match ${instancePattern}`);
    const machine = await this.#prepared();
    if (this.#closed !== null) throw new Failure("machine_full");
    await keptApart(machine, request.spec.isTrusted);
    const context = { machine, records: this.#records, keeper: this.#keeper, log: this.#options.log };
    const starting: Promise<EnteredProcess> = startEntered(context, { ...request, folder: realpathSync(request.folder) }, () => this.#entered.delete(starting));
    this.#entered.add(starting);
    starting.catch(() => this.#entered.delete(starting));
    return starting;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const runs = [...this.#runs, ...this.#entered].map((starting) => starting.then((run) => run.end(0)).catch(() => undefined));
    await Promise.all(runs);
    await this.#keeper.close();
    await Promise.all([...this.#running].map((starting) => starting.then((instance) => instance.stop(0)).catch(() => undefined)));
    // A machine that could not be prepared has nothing to give back.
    const machine = await this.#machine?.catch(() => null);
    await machine?.close();
  }

  #launch(machine: Machine, request: StartRequest, onEnd: () => void): Promise<ProcessInstance> {
    const { sandbox } = machine;
    const context = { machine, records: this.#records, log: this.#options.log };
    return sandbox === null ? startPlain(context, request, onEnd) : startSandboxed({ ...context, sandbox }, request, onEnd);
  }

  #launchRun(machine: Machine, request: RunRequest, onEnd: () => void): Promise<ProcessRun> {
    const { sandbox } = machine;
    const context = { machine, records: this.#records, log: this.#options.log };
    return sandbox === null ? startPlainRun(context, request, onEnd) : startSandboxedRun({ ...context, sandbox }, request, onEnd);
  }

  #prepared(): Promise<Machine> {
    const { home } = this.#options;
    if (home !== undefined) mkdirSync(home.library, { recursive: true, mode: 0o755 });
    const { sitesFolder, stateFolder, databaseSockets, log } = this.#options;
    this.#machine ??= this.cleanUp().then(() =>
      prepareMachine({
        installation: this.#installation,
        stateFolder: realpathSync(stateFolder),
        sitesFolder: realpathSync(sitesFolder),
        nodeBinary: this.#options.nodeBinary ?? process.execPath,
        databaseSockets: databaseSockets === undefined ? null : realpathSync(databaseSockets),
        home: home === undefined ? null : { folder: realpathSync(home.folder), library: realpathSync(home.library) },
        mode: this.#options.mode ?? "auto",
        quarantineMs: this.#options.quarantineMs ?? 60_000,
        warmNetworks: this.#options.warmNetworks ?? 4,
        parkedLaunchers: this.#options.parkedLaunchers ?? 3,
        idleNurseries: this.#options.idleNurseries ?? 6,
        idleSandboxMs: this.#options.idleSandboxMs ?? 10_000,
        freshRunGroups: this.#options.freshRunGroups ?? false,
        closedNetworks: this.#options.closedNetworks ?? [],
        resolverFiles: this.#options.resolverFiles ?? resolverFiles,
        hasSocat: this.#options.hasSocat ?? true,
        clock: this.#options.clock ?? steadyClock,
        log,
      }),
    );
    return this.#machine;
  }
}

/** @throws {Failure} `isolation_missing` where sites are not kept apart, or not now, unless it is one that may run like that. */
async function keptApart({ sandbox, capabilities }: Machine, isTrusted: boolean): Promise<void> {
  if (isTrusted) return;
  const trouble = (await sandbox?.networks?.trouble()) ?? null;
  if (sandbox === null || trouble !== null)
    throw new Failure("isolation_missing", { missing: [...capabilities.missing, ...(trouble === null ? [] : [trouble])] });
}

function openHome(home: RunFolders): void {
  const isNew = mkdirSync(home.folder, { recursive: true, mode: 0o755 }) !== undefined;
  const owner = homeOwner();
  // One that was there before may be shared on purpose: whose it is stays as it is.
  if (isNew && owner !== null) chownSync(home.folder, owner.uid, owner.gid);
}

function installationOf(stateFolder: string): string {
  const digest = createHash("sha256").update(realpathSync(stateFolder)).digest();
  return digest.readUIntBE(0, 6).toString(36).slice(0, 6).padStart(6, "0");
}
