import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { createMockHandler } from "./mock-api.ts";
import { acceptTerminals } from "./mock-terminals.ts";
import type { MockWorld } from "./mock-world.ts";

/** What the manager should send with the dashboard: everything from files of the same origin; blobs are pictures shown from read bytes. */
export const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const types: Readonly<Record<string, string>> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const built = fileURLToPath(new URL("../dist/", import.meta.url));

/** Serves the built dashboard as the manager does, policy included, with the pretended API behind it. */
export function serveBuilt(world: MockWorld, dist = built): Server {
  const api = createMockHandler(world);
  const server = createServer((request, response) => {
    api(request, response, () => {
      const path = new URL(request.url ?? "/", "http://mock").pathname;
      const isFile = extname(path) !== "" && !path.startsWith("/sites/");
      readFile(dist + (isFile ? path.slice(1) : "index.html")).then(
        (bytes) =>
          response
            .writeHead(200, {
              "content-type": types[isFile ? extname(path) : ".html"] ?? "application/octet-stream",
              "content-security-policy": contentSecurityPolicy,
            })
            .end(bytes),
        () => response.writeHead(404).end(),
      );
    });
  });
  acceptTerminals(server);
  return server;
}
