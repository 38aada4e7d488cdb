import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { siteRoute } from "../site-spec.ts";
import { doorEndpoints } from "./doors.ts";

const nodes = z.record(z.string(), z.url()).optional();

/**
 * One message of the route feed. The first is always a snapshot; a change carries what is new since then.
 * `grant` is the router's day-long token for waking sites at the orchestrator, sent again every hour, and when an orchestrator came or moved.
 * `nodes` tells where the orchestrators are that routes name.
 */
export const routeFeedEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("snapshot"), version: z.int(), routes: z.array(siteRoute), grant: z.string(), orchestrator: z.url(), nodes }),
  z.object({ type: z.literal("change"), version: z.int(), upserts: z.array(siteRoute), removed: z.array(z.int()) }),
  z.object({ type: z.literal("grant"), grant: z.string(), orchestrator: z.url(), nodes }),
  z.object({ type: z.literal("heartbeat") }),
]);
export type RouteFeedEvent = z.output<typeof routeFeedEvent>;

export const followRoutes = endpoint({
  id: "routes.feed",
  method: "GET",
  path: "/internal/v1/routes/feed",
  summary: "The route table and its changes as server-sent events; a heartbeat every 10 s",
  access: { kind: "component", callers: ["router"], verb: "route.feed" },
  /** Who follows, for the page of nodes; absent for routers from before there was one. */
  query: z.strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9-]{1,64}$/)
      .optional(),
    host: z.string().max(300).default(""),
    version: z.string().max(100).default(""),
  }),
  result: { raw: "events", mediaType: "text/event-stream", event: routeFeedEvent },
  status: 200,
});

export const managerInternalEndpoints = [followRoutes, ...doorEndpoints] as const;
