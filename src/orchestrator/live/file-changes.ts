import type { FastifyInstance } from "fastify";
import type { EndpointShape } from "#contract/endpoint.ts";
import type { GrantClaims } from "#contract/grant.ts";
import { followFileChanges } from "#contract/internal/files.ts";
import { eventStream } from "#kit/http/event-stream.ts";
import { type Guard, mount } from "#kit/http/mount.ts";

/** A site that is changed again and again is told of so often, in milliseconds. */
const paceMs = 1_000;

/** Which sites' files people change, for whoever wants to hear of it. */
export class FileChanges {
  readonly #followers = new Set<(siteId: number) => void>();
  readonly #resting = new Map<number, { again: boolean }>();

  /** Something of the site was changed. */
  note(siteId: number): void {
    const resting = this.#resting.get(siteId);
    if (resting === undefined) this.#tell(siteId);
    else resting.again = true;
  }

  /** The sites, as they are changed, until the signal is aborted. */
  async *follow(signal: AbortSignal): AsyncGenerator<{ readonly siteId: number }> {
    const waiting = new Set<number>();
    let wake = (): void => undefined;
    const hear = (siteId: number): void => {
      waiting.add(siteId);
      wake();
    };
    this.#followers.add(hear);
    signal.addEventListener("abort", () => wake());
    try {
      while (!signal.aborted) {
        for (const siteId of waiting) {
          waiting.delete(siteId);
          yield { siteId };
        }
        if (waiting.size > 0 || signal.aborted) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#followers.delete(hear);
    }
  }

  #tell(siteId: number): void {
    const rest = { again: false };
    this.#resting.set(siteId, rest);
    for (const hear of this.#followers) hear(siteId);
    setTimeout(() => {
      this.#resting.delete(siteId);
      if (rest.again) this.note(siteId);
    }, paceMs).unref();
  }
}

/** Notes every successful call that changes files, whichever door it came through, and serves who wants to hear of it. */
export function mountFileChanges(app: FastifyInstance, guard: Guard<GrantClaims>): void {
  const changes = new FileChanges();
  const closing = new AbortController();
  app.addHook("preClose", async () => closing.abort());
  app.addHook("onResponse", async (request, reply) => {
    const shape = (request.routeOptions.config as { readonly endpoint?: EndpointShape }).endpoint;
    const isChange = shape?.access.kind === "component" && shape.access.verb === "site.files.write";
    const siteId = Number((request.params as { readonly siteId?: unknown }).siteId);
    if (isChange && reply.statusCode < 400 && siteId > 0) changes.note(siteId);
  });
  mount({ app, guard }, followFileChanges, async ({ signal }) => {
    const ending = AbortSignal.any([signal, closing.signal]);
    return eventStream(changes.follow(ending), ending);
  });
}
