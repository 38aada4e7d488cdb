import { type EndpointShape, hasRawBody, hasRawResult } from "#contract/endpoint.ts";
import { failureTable } from "#contract/failure.ts";

/** The API's reference as one page that needs nothing else: made of the same table as the API itself. */
export function renderApiDocs(endpoints: readonly EndpointShape[]): string {
  const groups = Map.groupBy(endpoints, (shape) => shape.id.split(".")[0] ?? "");
  const contents = [...groups.keys()].map((group) => `<a href="#${escapeHtml(group)}">${escapeHtml(group)}</a>`).join(" · ");
  const sections = [...groups].map(([group, shapes]) => `<h2 id="${escapeHtml(group)}">${escapeHtml(group)}</h2>${shapes.map(renderEndpoint).join("")}`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Backlot API</title><style>${style}</style></head><body><main><h1>Backlot API</h1>
<p>JSON in and out. Send an API token as <code>Authorization: Bearer …</code>; a browser has its session cookie. Errors are
<code>application/problem+json</code> with <code>code</code> and <code>title</code>. The same as a document for programs:
<a href="/api/openapi.json">openapi.json</a>.</p><nav>${contents}</nav>${sections.join("")}</main></body></html>`;
}

function renderEndpoint(shape: EndpointShape): string {
  const failures = (shape.failures ?? [])
    .map((code) => `<li><code>${failureTable[code].status} ${code}</code> ${escapeHtml(failureTable[code].title)}</li>`)
    .join("");
  const rows = [
    ["who", describeAccess(shape)],
    ["query", fieldsOf(shape.query)],
    ["body", hasRawBody(shape) ? shape.body.mediaType : fieldsOf(shape.body)],
    ["answer", `${shape.status}${hasRawResult(shape) ? ` ${shape.result.mediaType}` : ""} ${hasRawResult(shape) ? "" : fieldsOf(shape.result)}`],
  ].filter(([, text]) => text !== "");
  return `<section><h3><b>${shape.method}</b> <code>${escapeHtml(shape.path)}</code></h3><p>${escapeHtml(shape.summary)}</p><dl>${rows
    .map(([name, text]) => `<dt>${name}</dt><dd>${escapeHtml(text ?? "")}</dd>`)
    .join("")}</dl>${failures === "" ? "" : `<ul>${failures}</ul>`}</section>`;
}

function describeAccess(shape: EndpointShape): string {
  switch (shape.access.kind) {
    case "anyone":
      return "anyone";
    case "signed-in":
      return `anyone signed in (token scope ${shape.access.scope})`;
    case "platform":
      return `whoever may ${shape.access.verb} (token scope ${shape.access.scope})`;
    case "site":
      return `members who may ${shape.access.verb} (token scope ${shape.access.scope})`;
    case "operation":
      return `whoever can see the operation (token scope ${shape.access.scope})`;
    case "task":
    case "schedule":
      return `whoever can ${shape.access.act === "read" ? "see" : "change"} the ${shape.access.kind} (token scope ${shape.access.scope})`;
    case "component":
      return `${shape.access.callers.join(", ")} with a grant for ${shape.access.verb}`;
  }
}

function fieldsOf(schema: unknown): string {
  if (typeof schema !== "object" || schema === null || !("shape" in schema) || typeof schema.shape !== "object" || schema.shape === null) return "";
  return `{ ${Object.keys(schema.shape).join(", ")} }`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

const style = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{margin:0}main{max-width:52rem;margin:auto;padding:1.5rem}
nav{padding:.5rem 0 1rem;border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)}h2{margin:2.5rem 0 .5rem;text-transform:capitalize}
section{padding:.75rem 0;border-bottom:1px solid color-mix(in srgb,currentColor 12%,transparent)}h3{margin:0;font-weight:400;overflow-wrap:anywhere}
p{margin:.25rem 0}code{font-family:ui-monospace,monospace;font-size:.9em}dl{display:grid;grid-template-columns:5rem 1fr;gap:.1rem 1rem;margin:.25rem 0}
dt{opacity:.65}dd{margin:0;overflow-wrap:anywhere}ul{margin:.25rem 0;padding-left:1.2rem;font-size:.9em;opacity:.85}a{color:inherit}`;
