// A router behind the real HAProxy and nginx, with programs at an address of their own, as sites have it.
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { SiteRoute } from "#contract/site-spec.ts";
import { type RouterHarness, type StartRouterOptions, startRouter } from "./router-harness.ts";

/** Why the edge cannot be tried on this machine; null when it can. */
export function edgeMissing(): string | null {
  if (process.getuid?.() !== 0) return "needs root, for addresses of sites";
  for (const [program, argument] of [
    ["haproxy", "-v"],
    ["nginx", "-v"],
    ["setpriv", "--version"],
    ["ip", "-V"],
  ] as const) {
    if (spawnSync(program, [argument]).status !== 0) return `${program} is not installed`;
  }
  return null;
}

/** An address on this machine that stands for a site's. */
export interface SiteHost extends Disposable {
  readonly address: string;
}

/** Takes an address of its own out of 10.231.0.0/16: a test file has a network of its own (`own-network.ts`), but a benchmark has the machine's. */
export function takeSiteHost(): SiteHost {
  while (true) {
    const address = `10.231.${randomInt(1, 255)}.${randomInt(1, 255)}`;
    if (spawnSync("ip", ["addr", "add", `${address}/32`, "dev", "lo"]).status !== 0) continue;
    return { address, [Symbol.dispose]: () => void spawnSync("ip", ["addr", "del", `${address}/32`, "dev", "lo"]) };
  }
}

/** A site's program at such an address. */
export interface HostedProgram extends AsyncDisposable {
  readonly address: { readonly host: string; readonly port: number };
  readonly server: Server;
  /** Requests that it works on. */
  readonly busy: () => number;
  /** Ends it as if it had been killed. */
  stop(): Promise<void>;
}

export async function startHostedProgram(host: string, listener: RequestListener, port = 0): Promise<HostedProgram> {
  let busy = 0;
  const server = createServer((req, res) => {
    busy += 1;
    res.on("close", () => {
      busy -= 1;
    });
    listener(req, res);
  }).listen(port, host);
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
  };
  return { address: { host, port: (server.address() as AddressInfo).port }, server, busy: () => busy, stop, [Symbol.asyncDispose]: stop };
}

/** Starts a router with HAProxy and nginx before it. */
export function startEdgeRouter(routes: readonly SiteRoute[], options: Omit<StartRouterOptions, "routes"> = {}): Promise<RouterHarness> {
  const environment = {
    BACKLOT_EDGE: "haproxy",
    BACKLOT_EDGE_SITE_NETWORKS: "10.231.0.0/16:1024-65535",
    BACKLOT_EDGE_VISITOR_REQUESTS: "100000000",
    BACKLOT_ROUTER_STOP_MS: "1000",
    ...options.environment,
  };
  return startRouter({ ...options, routes, environment });
}
