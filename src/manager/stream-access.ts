import type { FastifyRequest } from "fastify";
import { Failure } from "#contract/failure.ts";
import type { SiteVerb } from "#contract/verb.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { AccessWatch } from "./access-watch.ts";
import type { PersonCaller } from "./callers.ts";

/** A session or a token may end without an epoch: so often what it has open is looked at again. A token is taken back because it got about. */
const recheckMs = { session: 5_000, token: 1_500 } as const;

/** What is to stay open for long, and who asked for it. */
export interface OpenCall {
  readonly caller: PersonCaller;
  readonly request: FastifyRequest;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

/** What a long answer stands on: it ends when the signal is aborted, and lets go of everything with `release`. */
export interface Standing {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/** What `StreamAccess` works with. */
export interface StreamAccessDeps {
  readonly access: Pick<AccessWatch, "signalFor" | "signalWhile">;
  /** Rejects when the request's session or token counts no more. It is no use of it: what stays open for ever would keep its session for ever. */
  readonly stillSignedIn: (request: FastifyRequest) => Promise<unknown>;
}

/** Looked at again and again for everything that is open under the same key. */
interface Recheck {
  readonly open: Set<AbortController>;
  readonly timer: NodeJS.Timeout;
}

/** Ends what people have open as soon as their access changes, or their session or token ends: taken back, signed out, expired. */
export class StreamAccess {
  readonly #deps: StreamAccessDeps;
  readonly #rechecks = new Map<string, Recheck>();

  constructor(deps: StreamAccessDeps) {
    this.#deps = deps;
  }

  /** For an answer about this site, or about nothing but the person. All answers of one session or token share a look. */
  signalFor(call: OpenCall, site: ActorSite | null): Standing {
    const { caller, request, signal } = call;
    const again = () => this.#deps.stillSignedIn(request);
    return this.#joined(this.#deps.access.signalFor(caller.actor, site, signal), call, { key: "", again });
  }

  /** For what needs these verbs in the site: `again` is asked each time, and refuses when it may not stay open. */
  signalWhile(call: OpenCall, needs: { readonly site: ActorSite; readonly verbs: readonly SiteVerb[]; readonly again: () => Promise<unknown> }): Standing {
    const { site, verbs, again } = needs;
    const watch = this.#deps.access.signalWhile({ actor: call.caller.actor, site, verbs }, call.signal);
    return this.#joined(watch, call, { key: `${site.id} ${verbs.join()}`, again });
  }

  #joined(watch: Standing, { caller, request, signal }: OpenCall, look: { readonly key: string; readonly again: () => Promise<unknown> }): Standing {
    const isSession = caller.sessionId !== null;
    const key = `${caller.sessionId ?? request.headers.authorization} ${look.key}`;
    const controller = new AbortController();
    const recheck = this.#rechecks.get(key) ?? this.#begin(key, isSession ? recheckMs.session : recheckMs.token, look.again);
    recheck.open.add(controller);
    const release = (): void => {
      watch.release();
      recheck.open.delete(controller);
      if (recheck.open.size === 0) this.#end(key, recheck);
    };
    // Whoever left before the answer began never closes it.
    signal.addEventListener("abort", release, { once: true });
    if (signal.aborted) release();
    return { signal: AbortSignal.any([watch.signal, controller.signal]), release };
  }

  #begin(key: string, everyMs: number, again: () => Promise<unknown>): Recheck {
    let isLooking = false;
    const look = async (): Promise<void> => {
      isLooking = true;
      try {
        await again();
      } catch (error) {
        // What is no refusal (a database that is away) ends nothing.
        if (error instanceof Failure && error.status < 500) this.#withdraw(key, recheck);
      } finally {
        isLooking = false;
      }
    };
    const timer = setInterval(() => {
      if (!isLooking) void look();
    }, everyMs).unref();
    const recheck = { open: new Set<AbortController>(), timer };
    this.#rechecks.set(key, recheck);
    return recheck;
  }

  #withdraw(key: string, recheck: Recheck): void {
    this.#end(key, recheck);
    for (const controller of [...recheck.open]) controller.abort(new Error("the session or token counts no more"));
  }

  #end(key: string, recheck: Recheck): void {
    clearInterval(recheck.timer);
    // Another one may have begun under the key since.
    if (this.#rechecks.get(key) === recheck) this.#rechecks.delete(key);
  }
}
