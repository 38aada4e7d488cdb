// The peer: npm's http-proxy with a keep-alive agent, which is what its users set for speed, and forwarding headers as the router has them.
import { Agent, createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { announceBenchChild } from "./bench-child.ts";

interface ProxyServer {
  web(req: unknown, res: unknown): void;
}
const httpProxy = createRequire(import.meta.url)("http-proxy") as { createProxyServer(options: object): ProxyServer };
const proxy = httpProxy.createProxyServer({ target: process.argv[2], agent: new Agent({ keepAlive: true }), xfwd: true });
const server = createServer((req, res) => proxy.web(req, res));
server.listen(0, "127.0.0.1", () => announceBenchChild(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
