import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import type { SiteSpec } from "#contract/site-spec.ts";
import type { Log } from "#kit/log.ts";
import { mayRun } from "#orchestrator/sites/visible-status.ts";
import { labels } from "./labels.ts";
import { serviceName, slots } from "./service-spec.ts";
import type { SiteServices } from "./site-services.ts";

type Labels = Readonly<Record<string, string>>;

export interface ServiceLabelsDeps {
  /** Rejects while the engine is away. */
  readonly services: () => Promise<Pick<SiteServices, "carrying" | "revise">>;
  /** What others read of a site: a load balancer's labels. Absent: nobody reads any. */
  readonly labelsOf: ((spec: SiteSpec) => Labels) | undefined;
  readonly log: Log;
  readonly laterMs?: number;
  readonly patienceMs?: number;
}

/** Until what could not be said is tried again. */
const laterMs = 2_000;
/** So long somebody who changes a site waits for it to be said; then it is said later. */
const patienceMs = 5_000;

interface Known {
  readonly revision: number;
  readonly placement: number;
  readonly routeVersion: number;
  readonly labels: Labels;
}

/**
 * What others read on the services of sites. It follows every change of a site, its program going on: a service that kept the labels of a name that
 * it has no more would get the visitors of whoever has the name now. And no two sites carry the same label: who was given the name later has it.
 */
export class ServiceLabels {
  readonly #deps: ServiceLabelsDeps;
  readonly #known = new Map<number, Known>();
  readonly #owed = new Set<number>();
  #isAtWork = false;
  #isClosed = false;

  constructor(deps: ServiceLabelsDeps) {
    this.#deps = deps;
  }

  /** What a service that is started now carries. */
  of(spec: SiteSpec): Labels {
    return this.#deps.labelsOf === undefined ? {} : carriedBy(this.#learn(spec));
  }

  /** Takes the labels from other sites that may not have them any more. @throws while the swarm does not answer. */
  async claim(spec: SiteSpec): Promise<void> {
    if (this.#deps.labelsOf === undefined) return;
    this.#learn(spec);
    await this.#claim(spec.siteId);
  }

  /** Says it on the services that are there, whose programs go on. Never rejects: what cannot be said now is said later. */
  async tell(spec: SiteSpec): Promise<void> {
    if (this.#deps.labelsOf === undefined) return;
    this.#learn(spec);
    const given = new AbortController();
    await Promise.race([
      this.#tell(spec.siteId),
      delay(this.#deps.patienceMs ?? patienceMs, undefined, { ref: false, signal: given.signal }).catch(() => undefined),
    ]);
    given.abort();
  }

  forget(siteId: number): void {
    this.#known.delete(siteId);
    this.#owed.delete(siteId);
  }

  close(): void {
    this.#isClosed = true;
  }

  // Starts and changes may come in another order than they were decided in.
  #learn(spec: SiteSpec): Known {
    const known = this.#known.get(spec.siteId);
    const { revision, placement = 0, routeVersion = 0 } = spec;
    const isNew = known === undefined || (known.revision === revision ? known.routeVersion < routeVersion : known.revision < revision);
    if (!isNew) return known;
    const learnt = { revision, placement, routeVersion, labels: mayRun(spec) ? othersIn(this.#deps.labelsOf?.(spec) ?? {}) : {} };
    this.#known.set(spec.siteId, learnt);
    return learnt;
  }

  async #tell(siteId: number): Promise<void> {
    try {
      const services = await this.#deps.services();
      await this.#claim(siteId);
      const known = this.#known.get(siteId);
      if (known !== undefined) {
        for (const slot of slots) await services.revise(serviceName(siteId, slot), (spec) => told(spec, known));
      }
      if (this.#known.get(siteId) === known) this.#owed.delete(siteId);
      else this.#tellLater(siteId);
    } catch (err) {
      this.#deps.log.warn({ err, siteId }, "the labels of a site's service cannot be changed yet");
      this.#tellLater(siteId);
    }
  }

  async #claim(siteId: number): Promise<void> {
    const known = this.#known.get(siteId);
    const [label] = Object.keys(known?.labels ?? {});
    if (known === undefined || label === undefined) return;
    const services = await this.#deps.services();
    for (const { name, spec } of await services.carrying(label)) {
      if (spec.Labels?.[labels.site] === String(siteId)) continue;
      if (versionIn(spec) <= known.routeVersion) {
        await services.revise(name, (found) => (versionIn(found) <= known.routeVersion ? without(found, known.labels) : null));
      }
      // Somebody else was given the name since, or nobody can say who was: what is known here may be old, and another change is under way then.
      if (versionIn(spec) >= known.routeVersion && this.#known.get(siteId) === known) this.#known.set(siteId, { ...known, labels: {} });
    }
  }

  #tellLater(siteId: number): void {
    this.#owed.add(siteId);
    if (!this.#isAtWork) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isAtWork = true;
    while (this.#owed.size > 0 && !this.#isClosed) {
      await delay(this.#deps.laterMs ?? laterMs, undefined, { ref: false });
      for (const siteId of [...this.#owed]) if (!this.#isClosed) await this.#tell(siteId);
    }
    this.#isAtWork = false;
  }
}

function carriedBy({ routeVersion, labels: others }: Known): Labels {
  return { ...others, [labels.routeVersion]: String(routeVersion) };
}

/** Ours say what only we know. */
function othersIn(given: Labels): Labels {
  return Object.fromEntries(Object.entries(given).filter(([label]) => !label.startsWith("backlot.")));
}

function versionIn(spec: Docker.ServiceSpec): number {
  return Number(spec.Labels?.[labels.routeVersion] ?? 0);
}

/** The service with the labels that it should have; null: it has them, or is another orchestrator's by now. */
function told(spec: Docker.ServiceSpec, known: Known): Docker.ServiceSpec | null {
  const found = spec.Labels ?? {};
  if (Number(found[labels.placement] ?? 0) > known.placement) return null;
  const own = Object.fromEntries(Object.entries(found).filter(([label]) => label.startsWith("backlot.")));
  const wanted = { ...own, ...carriedBy(known) };
  const isSame = Object.keys(found).length === Object.keys(wanted).length && Object.entries(wanted).every(([label, value]) => found[label] === value);
  return isSame ? null : { ...spec, Labels: wanted };
}

function without(spec: Docker.ServiceSpec, taken: Labels): Docker.ServiceSpec {
  return { ...spec, Labels: Object.fromEntries(Object.entries(spec.Labels ?? {}).filter(([label]) => !(label in taken))) };
}
