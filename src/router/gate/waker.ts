import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { reportToLog, sleepSite, wakeSite } from "#contract/internal/orchestrator.ts";
import { claimInstances, freezeSite, type RestOutcome } from "#contract/internal/site-rest.ts";
import type { Log } from "#kit/log.ts";
import { backOffMs } from "#kit/retry.ts";
import type { RouterMetrics } from "../metrics.ts";
import type { LiveInstance } from "./target.ts";

/** The orchestrator, and the token by which it knows the router. */
export interface WakeCredentials {
  readonly orchestrator: string;
  readonly grant: string;
  /** One of several: another may have the site by now. */
  readonly isOneOfSeveral?: boolean;
}

/** What waking takes. */
export interface WakerOptions {
  /** The latest that the feed told of a site's orchestrator; null before it ever did. */
  readonly credentials: (siteId: number) => WakeCredentials | null;
  /** The addresses of all that the feed names now. */
  readonly orchestrators: () => readonly string[];
  readonly log: Log;
  readonly metrics: RouterMetrics;
  readonly wakeMs: number;
  /** How long an orchestrator that does not answer is asked again: it comes back within that when it was only restarted. */
  readonly awayMs: number;
}

const backOff = { firstMs: 50, mostMs: 500 };
/** How soon it is noticed that another orchestrator has the site: the one that was asked may be gone without a word, and its connection hang. */
const movedLookMs = 200;
const sleepTimeoutMs = 30_000;
const restTimeoutMs = 10_000;

/** Asks the orchestrator to start and stop sites' programs. */
export class Waker {
  readonly #options: WakerOptions;
  /** Tells this router from every other, and from itself before a restart. */
  readonly #router = randomUUID();
  /** By address. */
  readonly #clients = new Map<string, { readonly grant: string; readonly client: Client }>();

  constructor(options: WakerOptions) {
    this.#options = options;
  }

  /** Starts a site's program unless it runs. @throws {Failure} saying why it does not. */
  async wake(siteId: number): Promise<LiveInstance> {
    const { log, metrics, wakeMs, awayMs } = this.#options;
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(wakeMs);
    metrics.wakes += 1;
    for (let failures = 1; ; failures += 1) {
      using moved = this.#untilMoved(siteId);
      try {
        const input = { params: { siteId }, query: { router: this.#router }, signal: AbortSignal.any([signal, moved.signal]) };
        const { address, instance, bootMs } = await this.#clientOf(siteId).call(wakeSite, input);
        log.info({ siteId, instance, bootMs, ms: Math.round(performance.now() - startedAt) }, "site woke up");
        return { address, instance };
      } catch (error) {
        if (moved.signal.aborted && !signal.aborted) continue;
        if (this.#isPassing(siteId, error) && performance.now() - startedAt < awayMs) {
          await sleep(backOffMs(failures, backOff));
          continue;
        }
        metrics.wakeFailures += 1;
        log.warn({ err: error, siteId }, "site did not wake up");
        throw this.#explain(error, signal);
      }
    }
  }

  /** Is aborted when the feed tells of another orchestrator. */
  #untilMoved(siteId: number): Disposable & { readonly signal: AbortSignal } {
    const current = (): string | undefined => this.#options.credentials(siteId)?.orchestrator;
    const asked = current();
    const moved = new AbortController();
    const timer = setInterval(() => {
      if (current() !== asked) moved.abort(new Failure("site_moved"));
    }, movedLookMs);
    return { signal: moved.signal, [Symbol.dispose]: () => clearInterval(timer) };
  }

  /** Stops a site's program, with `instance` only if it is still that one, once no other router sends visitors there. */
  async sleep(siteId: number, instance: string | undefined): Promise<void> {
    const body = { router: this.#router, ...(instance === undefined ? {} : { instance }) };
    await this.#clientOf(siteId).call(sleepSite, { params: { siteId }, body, signal: AbortSignal.timeout(sleepTimeoutMs) });
  }

  /** Lets a program stand still that this router sends nothing to any more. */
  async freeze(siteId: number, instance: string, sleepAfterSeconds: number): Promise<RestOutcome> {
    const body = { instance, router: this.#router, sleepAfterSeconds };
    return (await this.#clientOf(siteId).call(freezeSite, { params: { siteId }, body, signal: AbortSignal.timeout(restTimeoutMs) })).outcome;
  }

  /** Says where this router sends visitors; gives what it cannot send to any more. An orchestrator that is away hears of it the next time. */
  async claim(instances: readonly (readonly [siteId: number, instance: string])[]): Promise<readonly (readonly [siteId: number, instance: string])[]> {
    // One that was started at another address, or is gone for good, would be asked for ever.
    const named = new Set(this.#options.orchestrators());
    for (const address of this.#clients.keys()) if (!named.has(address)) this.#clients.delete(address);
    const byClient = new Map<Client, [number, string][]>();
    for (const { client } of this.#clients.values()) byClient.set(client, []);
    for (const [siteId, instance] of instances) {
      const client = this.#clientOf(siteId);
      const claimed = byClient.get(client) ?? [];
      byClient.set(client, claimed);
      claimed.push([siteId, instance]);
    }
    const answers = [...byClient].map(([client, claimed]) =>
      client
        .call(claimInstances, { params: { router: this.#router }, body: { instances: claimed }, signal: AbortSignal.timeout(restTimeoutMs) })
        .then(({ lost }) => lost)
        .catch((err: unknown) => {
          this.#options.log.debug({ err }, "an orchestrator could not be told where visitors are sent");
          return [];
        }),
    );
    return (await Promise.all(answers)).flat();
  }

  /** Adds lines to a site's log. */
  async report(siteId: number, lines: readonly string[]): Promise<void> {
    await this.#clientOf(siteId).call(reportToLog, { params: { siteId }, body: { lines: [...lines] }, signal: AbortSignal.timeout(sleepTimeoutMs) });
  }

  #explain(error: unknown, signal: AbortSignal): Failure {
    if (signal.aborted) return new Failure("site_starting", { retryAfterSeconds: 10 }, { cause: error });
    if (!(error instanceof Failure)) return new Failure("component_away", { component: "orchestrator" }, { cause: error });
    // That the router's own token was refused is nothing that a visitor could do anything about.
    if (error.code === "grant_refused" || error.code === "not_signed_in") return new Failure("component_away", { component: "orchestrator" }, { cause: error });
    return error;
  }

  #clientOf(siteId: number): Client {
    const credentials = this.#options.credentials(siteId);
    if (credentials === null) throw new Failure("not_ready");
    const { orchestrator, grant } = credentials;
    const known = this.#clients.get(orchestrator);
    if (known?.grant === grant) return known.client;
    const client = createClient({ baseUrl: orchestrator, peer: "orchestrator", token: () => grant });
    this.#clients.set(orchestrator, { grant, client });
    return client;
  }

  // Asked again it may be another's: the next try goes where the route leads by then. And a site that has just got a program is known here sooner than there.
  #isPassing(siteId: number, error: unknown): boolean {
    if (!(error instanceof Failure)) return false;
    if (error.code === "component_away" || error.code === "not_ready" || error.code === "site_moved" || error.code === "site_static") return true;
    return error.code === "site_not_found" && this.#options.credentials(siteId)?.isOneOfSeveral === true;
  }
}
