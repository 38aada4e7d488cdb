import type Docker from "dockerode";
import { Failure } from "#contract/failure.ts";
import { type EarlierOf, findNodesInTheWay } from "./earlier-tasks.ts";
import { statusOf } from "./engine.ts";
import { labels } from "./labels.ts";
import { asleep, type Slot, serviceName, slotOf, slots } from "./service-spec.ts";
import type { SwarmManagers } from "./swarm-managers.ts";

/** How long until a swarm that was away is tried again. */
const laterMs = 10_000;

export interface SiteServicesOptions {
  readonly managers: Pick<SwarmManagers, "ask" | "once">;
  readonly installation: string;
}

/** A service of a site that has a program. */
export interface UsedService {
  readonly slot: Slot;
  readonly nodeId: string;
  /** Of the orchestrator that started it. */
  readonly placement: number;
}

/** Which program a service is freed of; one that another start has by now stays as it is. */
export type Unwanted =
  /** The one of this start. */
  | { readonly start: string }
  /** Any that was started before the site's node changed for the last time. */
  | { readonly before: number };

/**
 * The services of sites' programs in the swarm. Who was responsible once may only now be answered, so that whoever has a later placement is never
 * overruled: an update is one of the version that was looked at, and a second service is never updated but made anew, so that a removal removes
 * just what was looked at.
 */
export class SiteServices {
  readonly #managers: SiteServicesOptions["managers"];
  readonly #installation: string;
  readonly #later = new Set<NodeJS.Timeout>();
  #isClosed = false;

  constructor(options: SiteServicesOptions) {
    this.#managers = options.managers;
    this.#installation = options.installation;
  }

  /** Makes the service what it should be, whether it is there already or not. @throws {Failure} `site_moved` when it is another orchestrator's by now. */
  async put(spec: Docker.CreateServiceOptions): Promise<void> {
    const name = spec.Name ?? "";
    await this.#managers.ask(async (docker) => {
      const found = await this.#find(docker, name);
      if (found !== null && placementIn(found.Spec) > placementIn(spec)) throw new Failure("site_moved");
      // It was done already, and the answer was lost.
      if (found?.Spec?.Labels?.[labels.start] === spec.Labels?.[labels.start] && found !== null) return;
      if (found !== null && slotOf(name) === "first") return update(docker, found, spec);
      if (found !== null) await remove(docker, found);
      await docker.createService(spec);
    });
  }

  /** Which services of a site have a program. */
  inUse(siteId: number): Promise<readonly UsedService[]> {
    return this.#managers.ask(async (docker) => {
      const found = await Promise.all(slots.map(async (slot) => ({ slot, spec: (await this.#find(docker, serviceName(siteId, slot)))?.Spec })));
      return found.flatMap(({ slot, spec }) =>
        spec === undefined || spec.Mode?.Replicated?.Replicas === 0 ? [] : [{ slot, nodeId: nodeIn(spec), placement: placementIn(spec) }],
      );
    });
  }

  /** Leaves a service without the program that is unwanted; the second of a site is removed. Absent is success, and so is another program. */
  async rest(siteId: number, slot: Slot, unwanted: Unwanted): Promise<void> {
    try {
      await this.#managers.ask((docker) => this.#rest(docker, { siteId, slot, unwanted }));
    } catch (error) {
      // The program would be started again some day when nobody knows of it.
      if (error instanceof Failure) this.restLater(siteId, slot, unwanted);
      throw error;
    }
  }

  async #rest(docker: Docker, of: { readonly siteId: number; readonly slot: Slot; readonly unwanted: Unwanted }): Promise<void> {
    const found = await this.#find(docker, serviceName(of.siteId, of.slot));
    if (found === null || !isUnwanted(found.Spec, of.unwanted)) return;
    if (of.slot === "second") await remove(docker, found);
    else if (found.Spec?.Mode?.Replicated?.Replicas !== 0) await update(docker, found, asleep(found.Spec ?? {}));
  }

  /** The same, which nobody waits for: again and again until the swarm is back. */
  restLater(siteId: number, slot: Slot, unwanted: Unwanted): void {
    if (this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#later.delete(timer);
      this.#managers.once((docker) => this.#rest(docker, { siteId, slot, unwanted })).catch(() => this.restLater(siteId, slot, unwanted));
    }, laterMs);
    this.#later.add(timer.unref());
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#later) clearTimeout(timer);
  }

  /** Puts to rest what was started before this placement, asked once: whoever has a later one is left alone. @throws when the swarm does not answer. */
  async restEarlier(siteId: number, placement: number): Promise<void> {
    for (const slot of slots) await this.#managers.once((docker) => this.#rest(docker, { siteId, slot, unwanted: { before: placement } }));
  }

  /** Other nodes on which a program that was started before this placement may still run, by name. */
  nodesInTheWay(of: Omit<EarlierOf, "installation">): Promise<readonly string[]> {
    return this.#managers.ask((docker) => findNodesInTheWay(docker, { ...of, installation: this.#installation }));
  }

  /** Changes what is said of a service, its program going on; null: nothing. Absent is success. */
  async revise(name: string, change: (spec: Docker.ServiceSpec) => Docker.ServiceSpec | null): Promise<void> {
    await this.#managers.ask(async (docker) => {
      const found = await this.#find(docker, name);
      const changed = found?.Spec === undefined ? null : change(found.Spec);
      if (found !== null && changed !== null) await update(docker, found, changed);
    });
  }

  /** Services of this installation that carry a label, whatever it says. */
  async carrying(label: string): Promise<readonly { readonly name: string; readonly spec: Docker.ServiceSpec }[]> {
    const filters = JSON.stringify({ label: [`${labels.installation}=${this.#installation}`, label] });
    const found = await this.#managers.ask((docker) => docker.listServices({ filters }));
    return found.flatMap(({ Spec: spec }) => (spec?.Name === undefined ? [] : [{ name: spec.Name, spec }]));
  }

  /** Removes both services of a site. Absent is success. */
  async forget(siteId: number): Promise<void> {
    for (const slot of slots) {
      await this.#managers.ask(async (docker) => {
        const found = await this.#find(docker, serviceName(siteId, slot));
        if (found !== null) await remove(docker, found);
      });
    }
  }

  /** What has become of the tasks of one start, as the swarm says it: `rejected: No such image: …`; null while there is hope. */
  async whyNot(siteId: number, slot: Slot, start: string): Promise<string | null> {
    const filters = JSON.stringify({ service: [serviceName(siteId, slot)] });
    const tasks = await this.#managers.once((docker) => docker.listTasks({ filters })).catch(() => []);
    for (const { Spec: spec, Status: status } of tasks) {
      if (spec?.ContainerSpec?.Labels?.[labels.start] !== start) continue;
      const why = status.Err ?? status.Message ?? "";
      if (/^(rejected|failed|orphaned|remove|shutdown)$/.test(status.State)) return why === "" ? status.State : why;
      if (status.State === "pending" && /no suitable node/.test(why)) return why;
    }
    return null;
  }

  /** @throws when the name belongs to somebody else. */
  async #find(docker: Docker, name: string): Promise<Docker.Service | null> {
    const inspected = await docker
      .getService(name)
      .inspect()
      .catch((error: unknown) => {
        if (statusOf(error) === 404) return null;
        throw error;
      });
    if (inspected === null) return null;
    const owner = inspected.Spec?.Labels?.[labels.installation];
    if (owner !== this.#installation)
      throw new Failure("service_taken", { service: name, owner: owner === undefined ? "nobody of Backlot" : `the Backlot ${owner}` });
    return inspected;
  }
}

async function update(docker: Docker, found: Docker.Service, spec: Docker.ServiceSpec): Promise<void> {
  await docker.getService(found.ID).update({ ...spec, version: found.Version?.Index });
}

async function remove(docker: Docker, found: Docker.Service): Promise<void> {
  await docker
    .getService(found.ID)
    .remove()
    .catch((error: unknown) => {
      if (statusOf(error) !== 404) throw error;
    });
}

function isUnwanted(spec: Docker.ServiceSpec | undefined, unwanted: Unwanted): boolean {
  return "start" in unwanted ? spec?.Labels?.[labels.start] === unwanted.start : placementIn(spec) < unwanted.before;
}

function placementIn(spec: Docker.ServiceSpec | undefined): number {
  return Number(spec?.Labels?.[labels.placement] ?? 0);
}

function nodeIn(spec: Docker.ServiceSpec): string {
  const [constraint = ""] = spec.TaskTemplate?.Placement?.Constraints ?? [];
  return constraint.replace("node.id==", "");
}
