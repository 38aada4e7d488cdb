import { Failure } from "#contract/failure.ts";
import * as api from "#contract/internal/router.ts";
import type { SiteAddress } from "#contract/site-spec.ts";
import type { ComponentClient } from "#kit/component-client.ts";

/** Where visitors are to go. */
export interface Target {
  readonly address: SiteAddress;
  readonly instance: string;
}

/**
 * All routers as one. A router that is away serves nobody and learns of everything when it comes back, so that it never holds
 * an operation up; how many were away is told.
 */
export class RouterPool {
  readonly #routers: readonly ComponentClient[];

  constructor(routers: readonly ComponentClient[]) {
    this.#routers = routers;
  }

  /** Waits until every router that is there has this version of the route table. @throws {Failure} `not_ready` when one lags behind. */
  async publish(version: number, signal: AbortSignal): Promise<string | undefined> {
    const answers = await this.#all((router) => router.call(api.awaitRoutes, { body: { version }, signal }));
    if (answers.some((answer) => answer !== "away" && answer.version < version)) throw new Failure("not_ready");
    return awayNote(answers);
  }

  /** Keeps the site's visitors waiting, and answers when none is under way any more or `drainMs` are over. */
  async hold(siteId: number, options: { readonly drainMs: number; readonly signal: AbortSignal }): Promise<string | undefined> {
    const answers = await this.#all((router) => router.call(api.holdSite, { params: { siteId }, body: { drainMs: options.drainMs }, signal: options.signal }));
    return inFlightNote(answers) ?? awayNote(answers);
  }

  /** Lets the waiting visitors go: to an instance, or to whoever wakes the site. */
  async release(siteId: number, target: Target | null, signal: AbortSignal): Promise<string | undefined> {
    return awayNote(await this.#all((router) => router.call(api.releaseSite, { params: { siteId }, body: { target }, signal })));
  }

  /** Sends visitors to another instance, and answers when none is under way on an earlier one or `drainMs` are over. */
  async switch(siteId: number, target: Target, options: { readonly drainMs: number; readonly signal: AbortSignal }): Promise<string | undefined> {
    const answers = await this.#all((router) =>
      router.call(api.switchSite, { params: { siteId }, body: { target, drainMs: options.drainMs }, signal: options.signal }),
    );
    return inFlightNote(answers) ?? awayNote(answers);
  }

  #all<T>(ask: (router: ComponentClient) => Promise<T>): Promise<readonly (T | "away")[]> {
    return Promise.all(
      this.#routers.map((router) =>
        ask(router).catch((error: unknown) => {
          if (error instanceof Failure && error.code === "component_away") return "away" as const;
          throw error;
        }),
      ),
    );
  }
}

function awayNote(answers: readonly unknown[]): string | undefined {
  const away = answers.filter((answer) => answer === "away").length;
  return away === 0 ? undefined : `${away} of ${answers.length} routers were away; they catch up when they are back.`;
}

function inFlightNote(answers: readonly ({ readonly inFlight: number } | "away")[]): string | undefined {
  const count = answers.reduce((sum, answer) => sum + (answer === "away" ? 0 : answer.inFlight), 0);
  return count === 0 ? undefined : `${count} long requests were cut off after the time for draining.`;
}
