import type { FastifyInstance, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import * as api from "#contract/api/terminals.ts";
import { Failure } from "#contract/failure.ts";
import * as host from "#contract/internal/terminals.ts";
import type { TerminalEvent } from "#contract/terminal.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import { demandSiteVerb } from "#core/policy/policy.ts";
import { demandCanRun, type RunPolicy } from "#core/sites/run-policy.ts";
import type { SiteStore } from "#core/sites/site-store.ts";
import { type Behalf, type ComponentClient, grantFor } from "#kit/component-client.ts";
import { mount } from "#kit/http/mount.ts";
import { mountSocket } from "#kit/http/socket.ts";
import { openSocket } from "#kit/http/socket-client.ts";
import { relayMessages } from "#kit/http/socket-flow.ts";
import type { Note } from "./audit-trail.ts";
import type { SiteCaller } from "./callers.ts";
import type { OrchestratorMirror } from "./orchestrator-mirror.ts";
import type { personGuards } from "./person-guard.ts";
import type { Standing, StreamAccess } from "./stream-access.ts";

/** What the endpoints of terminals need. */
export interface TerminalsDeps {
  readonly guards: Pick<ReturnType<typeof personGuards>, "site" | "stillSignedIn">;
  readonly sites: Pick<SiteStore, "numberForActor">;
  readonly orchestrator: ComponentClient;
  /** How to reach the orchestrator of a site, for sockets. */
  readonly fleet: Pick<Fleet, "linkOf">;
  readonly mirror: Pick<OrchestratorMirror, "capabilities">;
  readonly runPolicy: RunPolicy;
  readonly access: Pick<StreamAccess, "signalWhile">;
  readonly note: Note;
}

/** Codes of the WebSocket protocol: the ordinary end, and one after which it is worth trying again. */
const ordinary = 1000;
const tryAgain = 1013;

/** Serves terminals by passing them through to the orchestrator, which holds them. */
export function mountTerminals(app: FastifyInstance, deps: TerminalsDeps): void {
  const at = { app, guard: deps.guards.site };
  const client = (caller: SiteCaller) => deps.orchestrator.on(behalfOf(caller));
  mount(at, api.listTerminals, ({ caller }) => client(caller).call(host.listTerminals, { params: { siteId: caller.site.id } }));
  mount(at, api.openTerminal, async ({ caller, body }) => {
    demandCanRun(deps.runPolicy, await deps.mirror.capabilities(), caller.site.isOwnedByAdministrator);
    const opened = await client(caller).call(host.openTerminal, { params: { siteId: caller.site.id }, body });
    await deps.note(caller.actor, "terminal.open", { site: caller.site, details: { terminal: opened.terminal.id } });
    return opened;
  });
  mount(at, api.closeTerminal, async ({ caller, params }) => {
    await client(caller).call(host.closeTerminal, { params: { siteId: caller.site.id, terminal: params.terminal } });
    return undefined;
  });
  mountSocket(at, api.attachTerminal, async ({ caller, params, query, signal, request }) => {
    const again = () => demandStill(deps, request, caller.site.id);
    const watch = deps.access.signalWhile({ caller, request, signal }, { site: caller.site, verbs: ["site.shell"], again });
    try {
      const link = await deps.fleet.linkOf(caller.site.id);
      const there = { baseUrl: link.baseUrl, peer: link.audience, token: grantFor(link, behalfOf(caller)) };
      const far = await openSocket(there, host.attachTerminal, { params: { siteId: caller.site.id, terminal: params.terminal }, query, signal });
      return (near) => {
        joinSockets(near, far);
        endWithAccess(near, far, watch);
      };
    } catch (error) {
      watch.release();
      throw error;
    }
  });
}

/** By the site's number: it may have been renamed since the terminal was opened. */
async function demandStill({ guards, sites }: TerminalsDeps, request: FastifyRequest, siteId: number): Promise<void> {
  const { actor } = await guards.stillSignedIn(request);
  const site = await sites.numberForActor(actor, siteId);
  if (site === null) throw new Failure("site_not_found");
  demandSiteVerb({ userRole: actor.user.role, memberRole: site.role, availability: site.availability }, "site.shell");
}

function behalfOf({ actor, site }: SiteCaller): Behalf {
  return { user: actor.user.id, userEpoch: actor.user.epoch, siteEpoch: site.epoch };
}

function joinSockets(near: WebSocket, far: WebSocket): void {
  relayMessages(near, far);
  relayMessages(far, near);
  near.once("close", () => far.terminate());
  far
    .on("error", () => undefined)
    .once("close", (code, reason) => {
      // One without a farewell: the orchestrator has died, or restarts.
      const isOrdinary = code === ordinary || code === 1008;
      near.close(isOrdinary ? code : tryAgain, isOrdinary ? reason.toString() : "the terminal's connection was lost");
      near.resume();
    });
  far.resume();
}

/** Ends a socket when its person may not look at it any more, even if the orchestrator should not hear of that. */
function endWithAccess(near: WebSocket, far: WebSocket, watch: Standing): void {
  const withdraw = (): void => {
    const farewell: TerminalEvent = { type: "closed", reason: "access_changed" };
    if (near.readyState === near.OPEN) near.send(JSON.stringify(farewell));
    near.close(ordinary);
    near.resume();
    far.terminate();
  };
  watch.signal.addEventListener("abort", withdraw, { once: true });
  if (watch.signal.aborted) withdraw();
  near.once("close", () => watch.release());
}
