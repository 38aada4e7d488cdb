import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { siteNameInput } from "../site.ts";
import { operationView, pageQuery } from "./views.ts";

export const listSiteOperations = endpoint({
  id: "sites.operations",
  method: "GET",
  path: "/api/v1/sites/:name/operations",
  summary: "What was done to this site, newest first",
  access: { kind: "site", verb: "site.read", scope: "read" },
  params: z.object({ name: siteNameInput }),
  query: pageQuery,
  result: z.object({ operations: z.array(operationView), next: z.string().nullable() }),
  status: 200,
});

export const readOperation = endpoint({
  id: "operations.read",
  method: "GET",
  path: "/api/v1/operations/:id",
  summary: "One operation with its steps",
  access: { kind: "operation", scope: "read" },
  params: z.object({ id: z.string().max(100) }),
  result: z.object({ operation: operationView }),
  status: 200,
});

export const followOperation = endpoint({
  id: "operations.events",
  method: "GET",
  path: "/api/v1/operations/:id/events",
  summary: "An operation's progress as server-sent events; the stream ends when it has ended",
  access: { kind: "operation", scope: "read" },
  params: z.object({ id: z.string().max(100) }),
  result: { raw: "events", mediaType: "text/event-stream", event: operationView },
  status: 200,
});

export const operationEndpoints = [listSiteOperations, readOperation, followOperation] as const;
