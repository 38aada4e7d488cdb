import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Failure } from "#contract/failure.ts";
import { sendFailure } from "#kit/http/server.ts";

const folder = fileURLToPath(new URL("../../web/dist", import.meta.url));

// Everything comes from this origin; nothing is inline. Sites live on origins of their own and may not frame the dashboard.
const policy =
  "default-src 'self'; img-src 'self' blob:; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";

/** Serves the built dashboard; an address that is no file is a page of it. */
export async function mountDashboard(app: FastifyInstance): Promise<void> {
  app.addHook("onSend", async (request, reply) => {
    if (isApi(request.url)) return;
    reply.header("content-security-policy", reply.getHeader("content-security-policy") ?? policy);
    reply.header("x-content-type-options", "nosniff").header("referrer-policy", "same-origin").header("x-frame-options", "DENY");
  });
  if (!existsSync(folder)) return;
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    index: false,
    // File names carry a hash of their content, but for index.html, which says which ones are current.
    setHeaders: (reply, path) => void reply.header("cache-control", path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache"),
  });
  app.get("/", (_request, reply) => sendPage(reply));
}

/** Answers what no endpoint does: an address of the dashboard is its page, anything else a problem document. */
export function answerUnknown(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (request.method !== "GET" || isApi(request.url)) return sendFailure(reply, new Failure("not_found"));
  if (existsSync(folder)) return sendPage(reply);
  return reply.code(503).type("text/plain; charset=utf-8").send("The dashboard has not been built. Run `npm start`, or `npm run build`.\n");
}

function sendPage(reply: FastifyReply): FastifyReply {
  return reply.header("cache-control", "no-cache").sendFile("index.html");
}

function isApi(url: string): boolean {
  return url.startsWith("/api/") || url.startsWith("/internal/") || url === "/healthz" || url === "/readyz" || url === "/metrics";
}
