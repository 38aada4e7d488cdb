import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { Failure } from "#contract/failure.ts";
import { isAway, statusOf } from "./engine.ts";
import { labels } from "./labels.ts";
import { asleep, type Slot, serviceName, slots } from "./service-spec.ts";

/** How long an engine that is being restarted, or a swarm that elects a leader, is waited for. */
const awayMs = 20_000;
const retryMs = 250;
/** Tries to change a service that somebody else is changing, too. */
const mostTries = 5;

export interface SiteServicesOptions {
  /** An engine that manages the swarm. */
  readonly docker: Docker;
  readonly installation: string;
}

/** The services of sites' programs in the swarm. */
export class SiteServices {
  readonly #docker: Docker;
  readonly #installation: string;

  constructor(options: SiteServicesOptions) {
    this.#docker = options.docker;
    this.#installation = options.installation;
  }

  /** Makes the service what it should be, whether it is there already or not. */
  async put(spec: Docker.CreateServiceOptions): Promise<void> {
    await this.#retried(async () => {
      const found = await this.#find(spec.Name ?? "");
      if (found !== null) return this.#update(found, spec);
      await this.#docker.createService(spec);
    });
  }

  /** Which services of a site have a program, and on which node. */
  async inUse(siteId: number): Promise<readonly { readonly slot: Slot; readonly nodeId: string }[]> {
    let used: readonly { readonly slot: Slot; readonly nodeId: string }[] = [];
    await this.#retried(async () => {
      const found = await Promise.all(slots.map(async (slot) => ({ slot, spec: (await this.#find(serviceName(siteId, slot)))?.Spec })));
      used = found.flatMap(({ slot, spec }) => (spec === undefined || spec.Mode?.Replicated?.Replicas === 0 ? [] : [{ slot, nodeId: nodeIn(spec) }]));
    });
    return used;
  }

  /**
   * Leaves a service without a program; the second of a site is removed. Absent is success, and so is a service that another start has by now: `start`
   * is the one that is over.
   */
  async rest(siteId: number, slot: Slot, start?: string): Promise<void> {
    await this.#retried(async () => {
      const found = await this.#find(serviceName(siteId, slot));
      if (found === null || (start !== undefined && found.Spec?.Labels?.[labels.start] !== start)) return;
      if (slot === "second") await this.#remove(found);
      else if (found.Spec?.Mode?.Replicated?.Replicas !== 0) await this.#update(found, asleep(found.Spec ?? {}));
    });
  }

  /** Removes both services of a site. Absent is success. */
  async forget(siteId: number): Promise<void> {
    for (const slot of slots) {
      await this.#retried(async () => {
        const found = await this.#find(serviceName(siteId, slot));
        if (found !== null) await this.#remove(found);
      });
    }
  }

  /** What has become of the tasks of one start, as the swarm says it: `rejected: No such image: …`; null while there is hope. */
  async whyNot(siteId: number, slot: Slot, start: string): Promise<string | null> {
    const filters = JSON.stringify({ service: [serviceName(siteId, slot)] });
    const tasks = await this.#docker.listTasks({ filters }).catch(() => []);
    for (const { Spec: spec, Status: status } of tasks) {
      if (spec?.ContainerSpec?.Labels?.[labels.start] !== start) continue;
      const why = status.Err ?? status.Message ?? "";
      if (/^(rejected|failed|orphaned|remove|shutdown)$/.test(status.State)) return why === "" ? status.State : why;
      if (status.State === "pending" && /no suitable node/.test(why)) return why;
    }
    return null;
  }

  /** @throws when the name belongs to somebody else. */
  async #find(name: string): Promise<Docker.Service | null> {
    const inspected = await this.#docker
      .getService(name)
      .inspect()
      .catch((error: unknown) => {
        if (statusOf(error) === 404) return null;
        throw error;
      });
    if (inspected === null) return null;
    const owner = inspected.Spec?.Labels?.[labels.installation];
    if (owner !== this.#installation) throw new Error(`the service ${name} is there already and is not ours: it belongs to ${owner ?? "nobody of Backlot"}`);
    return inspected;
  }

  async #update(found: Docker.Service, spec: Docker.ServiceSpec): Promise<void> {
    await this.#docker.getService(found.ID).update({ ...spec, version: found.Version?.Index });
  }

  async #remove(found: Docker.Service): Promise<void> {
    await this.#docker
      .getService(found.ID)
      .remove()
      .catch((error: unknown) => {
        if (statusOf(error) !== 404) throw error;
      });
  }

  /** An update of a version that is not the latest any more is tried again, and so is everything while the engine is away. */
  async #retried(act: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + awayMs;
    for (let tries = 1; ; tries += 1) {
      try {
        await act();
        return;
      } catch (error) {
        const isStale = error instanceof Error && /update out of sequence|name conflicts/.test(error.message) && tries < mostTries;
        const mayReturn = isAway(error) && performance.now() < deadline;
        if (!isStale && !mayReturn) throw isAway(error) ? new Failure("component_away", { component: "Docker engine" }, { cause: error }) : error;
        await delay(isStale ? 5 : retryMs);
      }
    }
  }
}

function nodeIn(spec: Docker.ServiceSpec): string {
  const [constraint = ""] = spec.TaskTemplate?.Placement?.Constraints ?? [];
  return constraint.replace("node.id==", "");
}
