// What a site's program is in the benchmark: 1 KiB, as cheaply as Node can.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { announceBenchChild } from "./bench-child.ts";

const body = Buffer.alloc(1024, "x");
const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  // Whether a balancer has brought the request past the router, which takes this header away; told to whom asks, so that all get the same answer.
  if (req.url === "/direct" && req.headers["x-backlot-address"] !== undefined) res.setHeader("X-Direct", "1");
  res.writeHead(200, { "Content-Type": "text/plain", "Content-Length": body.length });
  res.end(body);
});
const host = process.argv[2] ?? "127.0.0.1";
server.listen(0, host, () => announceBenchChild(`http://${host}:${(server.address() as AddressInfo).port}`));
