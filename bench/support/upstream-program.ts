// What a site's program is in the benchmark: 1 KiB, as cheaply as Node can.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { announceBenchChild } from "./bench-child.ts";

const body = Buffer.alloc(1024, "x");
const server = createServer({ keepAliveTimeout: 60_000 }, (_req, res) => {
  res.writeHead(200, { "Content-Type": "text/plain", "Content-Length": body.length });
  res.end(body);
});
server.listen(0, "127.0.0.1", () => announceBenchChild(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
