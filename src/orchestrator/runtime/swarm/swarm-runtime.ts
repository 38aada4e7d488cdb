import { randomUUID } from "node:crypto";
import { mkdirSync, realpathSync } from "node:fs";
import { Failure } from "#contract/failure.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { Lanes } from "#orchestrator/sites/lane.ts";
import type { EnteredProgram, EnterRequest } from "../enter.ts";
import { siteOwner } from "../process/site-owner.ts";
import type { RunningRun, RunRequest } from "../run.ts";
import type { LastingInstances, RunningInstance, RuntimeCapabilities, SiteRuntime, StartRequest } from "../site-runtime.ts";
import { ContainerWatch } from "./container-watch.ts";
import { DisposablePrograms } from "./disposable-programs.ts";
import { EarlierPrograms } from "./earlier-programs.ts";
import { endLeft, findLeft, type LeftContainer } from "./left-containers.ts";
import { type LeftLogs, leaveLogs, momentOfStart, takeLeftLogs } from "./left-logs.ts";
import { LeftPrograms } from "./left-programs.ts";
import { beginningOfLog } from "./log-moment.ts";
import { OverlayGuard } from "./overlay-guard.ts";
import type { SwarmOptions } from "./prepare-machine.ts";
import { PreparedMachine } from "./prepared-machine.ts";
import { asFailure, isAwayFailure, missingIn, openHome, unreachable } from "./runtime-parts.ts";
import { ServiceLabels } from "./service-labels.ts";
import { type Slot, serviceSpec, slots } from "./service-spec.ts";
import { type SiteContainer, takeCharge, whenStarted, withFreePort } from "./start-site.ts";
import { publicOf } from "./static-server.ts";
import type { SwarmInstance } from "./swarm-instance.ts";
import { imageOf, type SwarmMachine } from "./swarm-machine.ts";

/** Settings of the runtime that runs sites' programs as services of a Docker swarm, each on the node of the orchestrator that started it. */
export interface SwarmRuntimeOptions extends SwarmOptions {
  readonly sitesFolder: string;
  /** An attachable overlay by which Traefik reaches sites' services; absent: they are on no network but their node's. */
  readonly traefikNetwork?: string;
  /** The image of static sites' own file servers; it has nginx and a shell. Absent: there are none. */
  readonly staticImage?: string;
  /** What other readers of services want to find on a site's: a load balancer's labels. */
  readonly labelsOf?: (spec: SiteSpec) => Readonly<Record<string, string>>;
}

export function createSwarmRuntime(options: SwarmRuntimeOptions): SiteRuntime {
  return new SwarmRuntime(options);
}

class SwarmRuntime implements SiteRuntime {
  readonly kind = "swarm";
  readonly #options: SwarmRuntimeOptions;
  /** Which services of a site have a program now. */
  readonly #taken = new Map<string, Promise<SwarmInstance>>();
  readonly #disposable: DisposablePrograms;
  readonly #lanes = new Lanes<number>();
  readonly #leftPrograms: LeftPrograms;
  #leftLogs: LeftLogs | null = null;
  #leaving: Promise<void> | null = null;
  readonly lasting: LastingInstances = {
    left: () => this.#left(),
    drop: (siteId) => this.#leftPrograms.drop(siteId),
    leave: () => this.#leave(),
    forget: (siteId) => this.#forget(siteId),
    endEarlier: (siteId, placement) => this.#earlier.end(siteId, placement),
  };
  readonly #machine: PreparedMachine;
  readonly #earlier: EarlierPrograms;
  readonly #labels: ServiceLabels;
  #guard: OverlayGuard | null = null;
  #isClosed = false;

  constructor(options: SwarmRuntimeOptions) {
    this.#options = options;
    mkdirSync(options.sitesFolder, { recursive: true, mode: 0o711 });
    if (options.home !== null) openHome(options.home);
    if (options.databaseFolder !== null) mkdirSync(options.databaseFolder, { recursive: true, mode: 0o755 });
    this.#machine = new PreparedMachine(options);
    this.#disposable = new DisposablePrograms(options);
    this.#leftPrograms = new LeftPrograms({ end: async (container) => endLeft(await this.#machine.get(), container), log: options.log });
    const services = async () => (await this.#machine.get()).services;
    this.#earlier = new EarlierPrograms({ services, log: options.log });
    this.#labels = new ServiceLabels({ services, labelsOf: options.labelsOf, log: options.log });
  }

  describe(spec: SiteSpec): Promise<void> {
    return this.#labels.tell(spec);
  }

  async probe(): Promise<RuntimeCapabilities> {
    try {
      const machine = await this.#machine.get();
      const overlay = await this.#overlays(machine).then(
        () => [],
        (error: unknown) => missingIn(error),
      );
      const { isolates, missing, ...found } = await machine.capabilities();
      const dedicates = this.#options.staticImage !== undefined;
      return { ...found, isolates: isolates && overlay.length === 0, missing: [...missing, ...overlay], dedicates };
    } catch (error) {
      return unreachable(this.#options.engine.host, error);
    }
  }

  trouble(): Promise<string | null> {
    return this.#machine.trouble().then((trouble) => trouble ?? this.#guard?.trouble() ?? null);
  }

  start(request: StartRequest): Promise<RunningInstance> {
    return this.#startOrAdopt(request).catch(asFailure);
  }

  async #startOrAdopt(request: StartRequest): Promise<RunningInstance> {
    const machine = await this.#ready(request.spec.isTrusted || request.spec.kind === "static");
    const { siteId } = request.spec;
    const left = this.#leftPrograms.find(siteId, request.instance);
    if (left !== undefined) return this.#taking(siteId, left.slot, () => this.#adopt(machine, request, left));
    // Somebody wants another one, so this one is wanted no more.
    if (this.#leftPrograms.has(siteId)) await this.#leftPrograms.drop(siteId);
    // One after the other, so that no two choose the same service.
    return this.#lanes.run(siteId, async () => {
      const slot = await this.#freeSlot(machine, request.spec);
      return this.#taking(siteId, slot, () => withFreePort(machine, () => this.#start(machine, request, slot)));
    });
  }

  /** The service for another program: one that has none here, and if it can be none on another node either. */
  async #freeSlot({ services, nodeId }: SwarmMachine, spec: StartRequest["spec"]): Promise<Slot> {
    const { siteId, isTakenOver, canRunTwice, placement = 0 } = spec;
    const elsewhere = (await services.inUse(siteId)).filter((used) => used.nodeId !== nodeId);
    // Whoever has been made responsible meanwhile is not disturbed.
    if (elsewhere.some((used) => used.placement > placement)) throw new Failure("site_moved");
    // Handed over in order, a program that may run twice goes on until visitors are here; one that may not has been told to end by then.
    const mustEnd = isTakenOver === true || !canRunTwice;
    if (mustEnd) for (const { slot } of elsewhere) await services.rest(siteId, slot, { before: placement });
    if (!canRunTwice && placement > 0) await this.#earlier.whenDown(services, { siteId, placement, nodeId });
    const taken = mustEnd ? [] : elsewhere.map(({ slot }) => slot);
    const free = slots.filter((slot) => !this.#taken.has(`${siteId}/${slot}`));
    const slot = free.find((candidate) => !taken.includes(candidate)) ?? free[0];
    // At most two run at once: whoever starts a third has not stopped one of them.
    if (slot === undefined) throw new Failure("machine_full");
    return slot;
  }

  #taking(siteId: number, slot: Slot, start: () => Promise<SwarmInstance>): Promise<SwarmInstance> {
    const key = `${siteId}/${slot}`;
    this.#leftPrograms.take(siteId, slot);
    const starting = start();
    this.#taken.set(key, starting);
    starting.catch(() => this.#taken.delete(key));
    return starting;
  }

  async #start(machine: SwarmMachine, request: StartRequest, slot: Slot): Promise<SwarmInstance> {
    const { spec, instance } = request;
    const image = spec.kind === "static" ? this.#staticImage() : imageOf(machine, spec);
    const [room, volumes] = await Promise.all([machine.room(), machine.volumesOf(image)]);
    if (room <= 0) throw new Failure("machine_full");
    const site: SiteContainer = {
      siteId: spec.siteId,
      instance,
      start: randomUUID(),
      slot,
      image,
      hasEgress: spec.egress === "internet" && spec.kind === "dynamic",
      onOutput: request.onOutput,
      since: beginningOfLog,
      isLeft: false,
    };
    const watch = new ContainerWatch(machine.docker, site.start);
    machine.events.listen(site.start, watch);
    try {
      await this.#labels.claim(spec);
      await machine.services.put(
        serviceSpec({
          installation: this.#options.installation,
          spec,
          instance,
          slot,
          start: site.start,
          folder: realpathSync(request.folder),
          owner: siteOwner(spec.siteId),
          ...{ image, volumes },
          ...{ nodeId: machine.nodeId, databaseFolder: machine.databaseFolder },
          ...{ nameServers: machine.nameServers, canForbidPrivileges: machine.canForbidPrivileges },
          networks: await this.#overlays(machine),
          ...(spec.kind === "static" ? { files: publicOf(realpathSync(request.folder), siteOwner(spec.siteId)) } : {}),
          labels: this.#labels.of(spec),
        }),
      );
      // The site may have been changed while it was put.
      void this.#labels.tell(spec);
      await whenStarted(machine, watch, site);
      return await takeCharge(this.#contextOf(machine, site), site, watch);
    } catch (error) {
      machine.events.forget(site.start);
      // The service must not start the program later, when nobody waits for it any more.
      if (isAwayFailure(error)) machine.services.restLater(spec.siteId, slot, { start: site.start });
      else await machine.services.rest(spec.siteId, slot, { start: site.start });
      throw error;
    }
  }

  async #overlays(machine: SwarmMachine): Promise<readonly string[]> {
    const { traefikNetwork: network, log } = this.#options;
    if (network === undefined) return [];
    this.#guard ??= new OverlayGuard({ docker: machine.docker, installation: this.#options.installation, network, image: machine.defaultImage, log });
    return [await this.#guard.ensure()];
  }

  #staticImage(): string {
    const { staticImage } = this.#options;
    if (staticImage === undefined) throw new Failure("dedicated_unavailable");
    return staticImage;
  }

  #contextOf(machine: SwarmMachine, site: SiteContainer) {
    return { machine, log: this.#options.log, onEnd: () => void this.#taken.delete(`${site.siteId}/${site.slot}`) };
  }

  async #left(): Promise<readonly LeftContainer[]> {
    const machine = await this.#machine.get().catch(() => null);
    // An engine that is away now may come back with programs that nobody takes charge of: they are in the way of a start, which ends them.
    if (machine === null) return [];
    this.#leftLogs = takeLeftLogs(this.#options.stateFolder, Date.now());
    const found = await findLeft(machine);
    for (const container of found) this.#leftPrograms.put(container);
    return found;
  }

  #leave(): Promise<void> {
    this.#isClosed = true;
    this.#leftPrograms.close();
    this.#leaving ??= leaveLogs(this.#options.stateFolder, { at: Date.now(), programs: [...this.#taken.values()] });
    return this.#leaving;
  }

  /** Takes charge of a container of an earlier orchestrator. */
  async #adopt(machine: SwarmMachine, request: StartRequest, left: LeftContainer): Promise<SwarmInstance> {
    const watch = new ContainerWatch(machine.docker, left.start, left.containerId);
    machine.events.listen(left.start, watch);
    const site: SiteContainer = { ...left, onOutput: request.onOutput, since: momentOfStart(this.#leftLogs, left.start, Date.now()), isLeft: true };
    // It goes on, and is found by whoever tries next, or is ended with what nobody took charge of.
    const putBack = (error: unknown): never => {
      machine.events.forget(left.start);
      this.#leftPrograms.put(left);
      throw error;
    };
    const instance = await takeCharge(this.#contextOf(machine, site), site, watch).catch(putBack);
    void this.#labels.tell(request.spec);
    // It may have ended, or have been frozen, before we listened.
    await watch.look().catch(() => watch.onGap());
    await instance.thaw().catch((error: unknown) => instance.leave().then(() => putBack(error)));
    return instance;
  }

  async run(request: RunRequest): Promise<RunningRun> {
    return this.#disposable.run(await this.#ready(request.place.kind === "home" || request.place.spec.isTrusted), request);
  }

  async enter(request: EnterRequest): Promise<EnteredProgram> {
    return this.#disposable.enter(await this.#ready(request.spec.isTrusted), request);
  }

  /** Removes the disposable containers of an earlier orchestrator; sites' programs go on, see `lasting`. */
  cleanUp(): Promise<number> {
    return this.#machine.cleanUp();
  }

  async #forget(siteId: number): Promise<void> {
    const machine = await this.#machine.get();
    this.#labels.forget(siteId);
    await this.#lanes.run(siteId, () => machine.services.forget(siteId));
  }

  async close(): Promise<void> {
    await this.#leave();
    this.#earlier.close();
    this.#labels.close();
    await this.#disposable.close();
    const machine = await this.#machine.found();
    await this.#guard?.close();
    await machine?.close();
  }

  async #ready(isTrusted: boolean): Promise<SwarmMachine> {
    if (this.#isClosed) throw new Failure("machine_full");
    const machine = await this.#machine.get();
    const { isolates, missing } = await machine.capabilities();
    if (!isolates && !isTrusted) throw new Failure("isolation_missing", { missing: [...missing] });
    return machine;
  }
}
