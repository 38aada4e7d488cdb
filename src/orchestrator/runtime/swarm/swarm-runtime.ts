import { createHash, randomUUID } from "node:crypto";
import { chownSync, mkdirSync, realpathSync } from "node:fs";
import type Docker from "dockerode";
import { Failure } from "#contract/failure.ts";
import { Lanes } from "#orchestrator/sites/lane.ts";
import type { EnteredProgram, EnterRequest } from "../enter.ts";
import { homeOwner, siteOwner } from "../process/site-owner.ts";
import type { RunningRun, RunRequest } from "../run.ts";
import type { RunningInstance, RuntimeCapabilities, SiteRuntime, StartRequest } from "../site-runtime.ts";
import { ContainerWatch } from "./container-watch.ts";
import { statusOf } from "./engine.ts";
import { identityIn, labels } from "./labels.ts";
import { prepareMachine, type SwarmOptions } from "./prepare-machine.ts";
import { type Slot, serviceSpec, slots } from "./service-spec.ts";
import { type SiteContainer, takeCharge, whenStarted } from "./start-site.ts";
import { startEntry } from "./swarm-entry.ts";
import type { SwarmInstance } from "./swarm-instance.ts";
import { imageOf, type SwarmMachine } from "./swarm-machine.ts";
import { startRun } from "./swarm-run.ts";

/** Settings of the runtime that runs sites' programs as services of a Docker swarm, each on the node of the orchestrator that started it. */
export interface SwarmRuntimeOptions extends Omit<SwarmOptions, "installation"> {
  /** Names this Backlot among others in the swarm; by default derived from the folder of all sites. */
  readonly installation?: string;
  readonly sitesFolder: string;
  /** What other readers of services want to find on a site's: a load balancer's labels. */
  readonly labelsOf?: (request: StartRequest) => Readonly<Record<string, string>>;
}

export function createSwarmRuntime(options: SwarmRuntimeOptions): SiteRuntime {
  return new SwarmRuntime(options);
}

class SwarmRuntime implements SiteRuntime {
  readonly kind = "swarm";
  readonly #options: SwarmRuntimeOptions;
  readonly #installation: string;
  /** Which services of a site have a program now. */
  readonly #taken = new Map<string, Promise<SwarmInstance>>();
  readonly #disposable = new Set<Promise<RunningRun | EnteredProgram>>();
  readonly #lanes = new Lanes<number>();
  #machine: Promise<SwarmMachine> | null = null;
  #isClosed = false;

  constructor(options: SwarmRuntimeOptions) {
    this.#options = options;
    mkdirSync(options.sitesFolder, { recursive: true, mode: 0o711 });
    if (options.home !== null) openHome(options.home);
    this.#installation = options.installation ?? installationOf(options.sitesFolder);
  }

  async probe(): Promise<RuntimeCapabilities> {
    try {
      return (await this.#prepared()).capabilities;
    } catch (error) {
      return unreachable(this.#options.engine.host, error);
    }
  }

  async start(request: StartRequest): Promise<RunningInstance> {
    const machine = await this.#ready(request.spec.isTrusted);
    const siteId = request.spec.siteId;
    const slot = slots.find((candidate) => !this.#taken.has(`${siteId}/${candidate}`));
    // At most two run at once: whoever starts a third has not stopped one of them.
    if (slot === undefined) throw new Failure("machine_full");
    const key = `${siteId}/${slot}`;
    const starting = this.#lanes.run(siteId, () => this.#start(machine, request, slot));
    this.#taken.set(key, starting);
    starting.catch(() => this.#taken.delete(key));
    return starting;
  }

  async #start(machine: SwarmMachine, request: StartRequest, slot: Slot): Promise<SwarmInstance> {
    const { spec, instance } = request;
    if ((await machine.room()) <= 0) throw new Failure("machine_full");
    const site: SiteContainer = {
      siteId: spec.siteId,
      instance,
      start: randomUUID(),
      slot,
      image: imageOf(machine, spec),
      hasEgress: spec.egress === "internet",
      onOutput: request.onOutput,
      since: 0,
    };
    const watch = new ContainerWatch(machine.docker, site.start);
    machine.events.listen(site.start, watch);
    try {
      await machine.services.put(
        serviceSpec({
          installation: this.#installation,
          spec,
          instance,
          slot,
          start: site.start,
          folder: realpathSync(request.folder),
          owner: siteOwner(spec.siteId),
          image: site.image,
          nodeId: machine.nodeId,
          databaseFolder: machine.databaseFolder,
          nameServers: machine.nameServers,
          canForbidPrivileges: machine.canForbidPrivileges,
          labels: this.#options.labelsOf?.(request) ?? {},
        }),
      );
      await whenStarted(machine, watch, site);
      return await takeCharge(this.#contextOf(machine, site), site, watch);
    } catch (error) {
      machine.events.forget(site.start);
      // The service must not start the program later, when nobody waits for it any more.
      await machine.services.rest(spec.siteId, slot);
      throw error;
    }
  }

  #contextOf(machine: SwarmMachine, site: SiteContainer) {
    return { machine, log: this.#options.log, onEnd: () => void this.#taken.delete(`${site.siteId}/${site.slot}`) };
  }

  async recover(outputOf: (siteId: number, instance: string) => StartRequest["onOutput"] | null): Promise<readonly RunningInstance[]> {
    const machine = await this.#prepared();
    const filters = JSON.stringify({ label: [`${labels.installation}=${this.#installation}`, `${labels.kind}=site`] });
    const found = await machine.docker.listContainers({ filters });
    const recovered = await Promise.all(found.map((container) => this.#recoverOne(machine, container, outputOf)));
    return recovered.filter((instance) => instance !== null);
  }

  async #recoverOne(
    machine: SwarmMachine,
    container: Docker.ContainerInfo,
    outputOf: (siteId: number, instance: string) => StartRequest["onOutput"] | null,
  ): Promise<SwarmInstance | null> {
    const identity = identityIn(container.Labels, this.#installation);
    if (identity === null) return null;
    const slot: Slot = container.Labels["com.docker.swarm.service.name"]?.endsWith("_b") === true ? "second" : "first";
    // The list may be a moment old.
    const isRunning = await machine.docker
      .getContainer(container.Id)
      .inspect()
      .then(
        ({ State: state }) => state.Running,
        () => false,
      );
    const onOutput = isRunning ? outputOf(identity.siteId, identity.instance) : null;
    if (onOutput === null) {
      await machine.services.rest(identity.siteId, slot);
      await machine.docker.getContainer(container.Id).kill().catch(unlessGone);
      return null;
    }
    const hasEgress = container.Labels[labels.egress] === "internet";
    return this.#adopt(machine, { ...identity, slot, image: container.Image, hasEgress, onOutput, since: Date.now() }, container.Id);
  }

  async #adopt(machine: SwarmMachine, site: SiteContainer, containerId: string): Promise<SwarmInstance> {
    const watch = new ContainerWatch(machine.docker, site.start, containerId);
    machine.events.listen(site.start, watch);
    const taking = takeCharge(this.#contextOf(machine, site), site, watch);
    this.#taken.set(`${site.siteId}/${site.slot}`, taking);
    const instance = await taking;
    // It may have ended, or have been frozen, between the list and now.
    await watch.look().catch(() => undefined);
    await instance.thaw();
    return instance;
  }

  async run(request: RunRequest): Promise<RunningRun> {
    const machine = await this.#ready(request.place.kind === "home" || request.place.spec.isTrusted);
    const { place } = request;
    const real = place.kind === "home" ? request : { ...request, place: { ...place, folder: realpathSync(place.folder) } };
    return this.#kept((onEnd) => startRun(machine, real, { log: this.#options.log, onEnd }));
  }

  async enter(request: EnterRequest): Promise<EnteredProgram> {
    const machine = await this.#ready(request.spec.isTrusted);
    return this.#kept((onEnd) => startEntry(machine, { ...request, folder: realpathSync(request.folder) }, { log: this.#options.log, onEnd }));
  }

  #kept<T extends RunningRun | EnteredProgram>(start: (onEnd: () => void) => Promise<T>): Promise<T> {
    const starting: Promise<T> = start(() => this.#disposable.delete(starting));
    this.#disposable.add(starting);
    starting.catch(() => this.#disposable.delete(starting));
    return starting;
  }

  /** Removes the disposable containers of an earlier orchestrator; sites' programs go on, see `recover`. */
  async cleanUp(): Promise<number> {
    const machine = await this.#prepared().catch(() => null);
    if (machine === null) return 0;
    const counts = await Promise.all(
      ["run", "enter", "probe"].map(async (kind) => {
        const filters = JSON.stringify({ label: [`${labels.installation}=${this.#installation}`, `${labels.kind}=${kind}`] });
        const left = await machine.docker.listContainers({ all: true, filters });
        await Promise.all(left.map(({ Id: id }) => machine.docker.getContainer(id).remove({ force: true, v: true }).catch(unlessGone)));
        return left.length;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async forget(siteId: number): Promise<void> {
    const machine = await this.#prepared();
    await this.#lanes.run(siteId, () => machine.services.forget(siteId));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#disposable].map((starting) => starting.then((program) => program.end(0)).catch(() => undefined)));
    const machine = await this.#machine?.catch(() => null);
    await machine?.close();
  }

  async #ready(isTrusted: boolean): Promise<SwarmMachine> {
    if (this.#isClosed) throw new Failure("machine_full");
    const machine = await this.#prepared();
    const { isolates, missing } = machine.capabilities;
    if (!isolates && !isTrusted) throw new Failure("isolation_missing", { missing: [...missing] });
    return machine;
  }

  #prepared(): Promise<SwarmMachine> {
    this.#machine ??= prepareMachine({ ...this.#options, installation: this.#installation }).catch((error: unknown) => {
      // An engine that was away may be back the next time.
      this.#machine = null;
      throw error;
    });
    return this.#machine;
  }
}

function unreachable(host: string, error: unknown): RuntimeCapabilities {
  const words = `The Docker engine at ${host} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  return {
    isolates: false,
    missing: [words],
    limits: { memory: false, cpu: false, pids: false },
    freezes: false,
    freezeNote: words,
    egress: { isAvailable: false, notes: [words] },
  };
}

function unlessGone(error: unknown): void {
  if (![404, 409].includes(statusOf(error) ?? 0)) throw error;
}

function openHome(home: { readonly folder: string; readonly library: string }): void {
  const isNew = mkdirSync(home.folder, { recursive: true, mode: 0o755 }) !== undefined;
  mkdirSync(home.library, { recursive: true, mode: 0o755 });
  const owner = homeOwner();
  // One that was there before may be shared on purpose: whose it is stays as it is.
  if (isNew && owner !== null) chownSync(home.folder, owner.uid, owner.gid);
}

/** The same for every orchestrator that shares the folder of all sites. */
function installationOf(sitesFolder: string): string {
  const digest = createHash("sha256").update(realpathSync(sitesFolder)).digest();
  return digest.readUIntBE(0, 6).toString(36).slice(0, 6).padStart(6, "0");
}
