import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { timestamp } from "../site.ts";

export const nodeKinds = ["orchestrator", "router", "manager", "worker"] as const;
export const nodeKind = z.enum(nodeKinds);
export type NodeKind = z.output<typeof nodeKind>;

/** `unhealthy`: it answers and can start no program, so that it gets no sites; `draining`: its sites are on their way elsewhere; `drained`: takes no sites, and has none that could go elsewhere. */
export const nodeStates = ["up", "unhealthy", "lost", "draining", "drained"] as const;
export const nodeState = z.enum(nodeStates);
export type NodeState = z.output<typeof nodeState>;

/** A process of the installation on some machine, as its heartbeat told. */
export const nodeView = z.object({
  id: z.string(),
  kind: nodeKind,
  host: z.string(),
  /** Its internal address; null for what nobody calls. */
  url: z.string().nullable(),
  version: z.string(),
  state: nodeState,
  /** The state in a sentence for people. */
  explanation: z.string(),
  firstSeenAt: timestamp,
  lastSeenAt: timestamp,
  /** Takes no new sites, and gives away those that it can. */
  isDrained: z.boolean(),
  /** Sites that it is responsible for; 0 for other kinds. */
  sites: z.int(),
  /** How the machine is; orchestrators only. */
  report: z
    .object({
      runtime: z.string(),
      startedAt: timestamp,
      cores: z.int(),
      loadAverage: z.tuple([z.number(), z.number(), z.number()]),
      memoryBytes: z.int(),
      freeMemoryBytes: z.int(),
      freeDiskBytes: z.int(),
      isolates: z.boolean(),
      missing: z.array(z.string()),
      running: z.int(),
      frozen: z.int(),
      /** Other orchestrators can take its sites over. */
      sharesFiles: z.boolean(),
    })
    .nullable(),
});
export type NodeView = z.output<typeof nodeView>;

const manage = { kind: "platform", verb: "platform.manage", scope: "full" } as const;
const byId = z.object({ id: z.string().max(100) });

export const listNodes = endpoint({
  id: "nodes.list",
  method: "GET",
  path: "/api/v1/nodes",
  summary: "Every process that reported lately, with heartbeat, load and sites; orchestrators first",
  access: { ...manage, scope: "read" },
  result: z.object({ nodes: z.array(nodeView) }),
  status: 200,
});

export const updateNode = endpoint({
  id: "nodes.update",
  method: "PATCH",
  path: "/api/v1/nodes/:id",
  summary: "Drain an orchestrator (it takes no new sites and its sites move away one after the other) or let it take sites again",
  access: manage,
  params: byId,
  body: z.strictObject({ drained: z.boolean() }),
  result: z.object({ node: nodeView }),
  status: 200,
  failures: ["node_not_found"],
});

export const forgetNode = endpoint({
  id: "nodes.forget",
  method: "DELETE",
  path: "/api/v1/nodes/:id",
  summary: "Forget an orchestrator that is lost for good and has no sites any more",
  access: manage,
  params: byId,
  status: 204,
  failures: ["node_not_found", "node_in_use"],
});

export const nodeEndpoints = [listNodes, updateNode, forgetNode] as const;
