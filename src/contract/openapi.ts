import { z } from "zod";
import { type EndpointShape, hasRawBody, hasRawResult } from "./endpoint.ts";
import { type FailureCode, failureTable } from "./failure.ts";
import { sessionCookieName } from "./session-cookie.ts";

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of a table of endpoints. Pure: the same table gives the same document. */
export function openApiOf(endpoints: readonly EndpointShape[], info: { readonly title: string; readonly version: string }): Json {
  const paths: Record<string, Json> = {};
  for (const shape of endpoints) {
    const path = shape.path.replace(/:(\w+)/g, "{$1}").replace("*", "{path}");
    paths[path] = { ...paths[path], [shape.method.toLowerCase()]: operationOf(shape) };
  }
  return {
    openapi: "3.1.0",
    info,
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" }, session: { type: "apiKey", in: "cookie", name: sessionCookieName } },
      schemas: { Problem: problemSchema },
    },
  };
}

const problemSchema = {
  type: "object",
  required: ["status", "code", "title"],
  properties: { status: { type: "integer" }, code: { type: "string" }, title: { type: "string" }, details: { type: "object" }, requestId: { type: "string" } },
};

function operationOf(shape: EndpointShape): Json {
  const security = shape.access.kind === "anyone" ? [] : [{ bearer: [] }, { session: [] }];
  return {
    operationId: shape.id,
    summary: shape.summary,
    tags: [shape.id.split(".")[0]],
    security,
    "x-access": shape.access,
    parameters: [...parametersOf("path", shape.params), ...parametersOf("query", shape.query)],
    ...(shape.body === undefined ? {} : { requestBody: { required: true, content: bodyContent(shape) } }),
    responses: responsesOf(shape),
  };
}

function parametersOf(place: "path" | "query", schema: z.ZodObject | undefined): readonly Json[] {
  if (schema === undefined) return [];
  const json = schemaOf(schema, "input") as { properties?: Record<string, Json>; required?: readonly string[] };
  return Object.entries(json.properties ?? {}).map(([name, property]) => ({
    name: name === "*" ? "path" : name,
    in: place,
    required: place === "path" || (json.required ?? []).includes(name),
    schema: property,
  }));
}

function bodyContent(shape: EndpointShape): Json {
  if (hasRawBody(shape)) return { [shape.body.mediaType]: { schema: { type: "string", format: "binary" } } };
  return { "application/json": { schema: schemaOf(shape.body as z.ZodType, "input") } };
}

function responsesOf(shape: EndpointShape): Json {
  const responses: Record<string, Json> = isSocket(shape)
    ? { 101: { description: "The connection becomes a WebSocket" } }
    : { [shape.status]: { description: "Done", ...(shape.result === undefined ? {} : { content: resultContent(shape) }) } };
  for (const [status, codes] of byStatus(failuresOf(shape))) {
    const description = codes.map((code) => `\`${code}\`: ${failureTable[code].title}`).join("\n\n");
    responses[status] = { description, content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } } };
  }
  return responses;
}

function isSocket(shape: EndpointShape): boolean {
  return hasRawResult(shape) && shape.result.raw === "socket";
}

function resultContent(shape: EndpointShape): Json {
  if (hasRawResult(shape))
    return { [shape.result.mediaType]: { schema: shape.result.event === undefined ? { type: "string" } : schemaOf(shape.result.event, "output") } };
  return { "application/json": { schema: schemaOf(shape.result as z.ZodType, "output") } };
}

function failuresOf(shape: EndpointShape): readonly FailureCode[] {
  const common: FailureCode[] = [];
  if (shape.access.kind !== "anyone") common.push("not_signed_in", "scope_too_small");
  if (shape.access.kind === "site") common.push("site_not_found", "role_too_low");
  if (shape.access.kind === "operation") common.push("operation_not_found");
  if (shape.access.kind === "task") common.push("task_not_found", "role_too_low");
  if (shape.access.kind === "schedule") common.push("schedule_not_found", "role_too_low");
  if (shape.access.kind === "platform") common.push("administrators_only");
  if (shape.body !== undefined && !hasRawBody(shape)) common.push("body_malformed", "media_type_unsupported", "body_too_large");
  if (shape.body !== undefined || shape.query !== undefined) common.push("input_invalid");
  if (isSocket(shape)) common.push("socket_expected");
  return [...new Set([...common, ...(shape.failures ?? [])])];
}

function byStatus(codes: readonly FailureCode[]): ReadonlyMap<number, readonly FailureCode[]> {
  return Map.groupBy(codes, (code) => failureTable[code].status);
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): unknown {
  const { $schema: _version, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
