import { z } from "zod";
import { port } from "#kit/config.ts";

const count = (most: number) => z.coerce.number().int().min(1).max(most);

/** Settings of what stands before the router; part of the router's. */
export const edgeSettings = {
  BACKLOT_EDGE: z
    .enum(["embedded", "haproxy"])
    .default("embedded")
    .describe("What visitors' connections meet first: the router itself, or HAProxy with nginx for files, which the router starts, feeds and watches"),
  BACKLOT_HAPROXY: z.string().default("haproxy").describe("The program of HAProxy, 2.6 or later"),
  BACKLOT_NGINX: z.string().default("nginx").describe("The program of nginx"),
  BACKLOT_HAPROXY_SOCKET: z
    .string()
    .optional()
    .describe("Runtime socket (a path, or address:port) of a HAProxy of this machine that somebody else starts with the configuration that the router writes"),
  BACKLOT_EDGE_USER: z.string().optional().describe("User that HAProxy and nginx run as when the router is root; haproxy, www-data or nobody unless given"),
  BACKLOT_EDGE_THREADS: count(64).default(1).describe("Threads of HAProxy, and processes of nginx; one serves some 90,000 requests a second"),
  BACKLOT_EDGE_STATIC_SERVERS: count(8)
    .default(1)
    .describe("Instances of nginx; with two, files go on coming from nginx while one of them is gone, and with one from the router for a moment"),
  BACKLOT_EDGE_PROXY_PROTOCOL: z
    .stringbool()
    .default(false)
    .describe("Whether every connection begins with the PROXY protocol, spoken by a balancer further out; nobody else may reach the port then"),
  BACKLOT_EDGE_TLS_FOLDER: z
    .string()
    .optional()
    .describe(
      "Folder of certificates, each a PEM file with its chain and its key, by which HAProxy ends TLS; without it there is none. Read when the router starts",
    ),
  BACKLOT_EDGE_TLS_PORT: port.default(8443).describe("Port on which HAProxy speaks TLS, with BACKLOT_EDGE_TLS_FOLDER"),
  BACKLOT_EDGE_TLS_REDIRECT: z
    .stringbool()
    .default(false)
    .describe("Whether visitors without TLS are sent to the port with it; paths below /.well-known/acme-challenge/ are not"),
  BACKLOT_EDGE_STATISTICS_PORT: port.default(0).describe("Port of HAProxy's statistics page, on loopback; 0: only on a unix socket"),
  BACKLOT_EDGE_VISITOR_REQUESTS: count(1_000_000_000)
    .default(3_000)
    .describe("Most requests of one visitor's address (of IPv6: of its /64) in ten seconds; more are answered 429"),
  BACKLOT_EDGE_VISITOR_CONNECTIONS: count(1_000_000)
    .default(500)
    .describe("Most connections of one visitor's address (of IPv6: of its /64) at once; more are closed"),
  BACKLOT_EDGE_HEAD_MS: count(600_000).default(20_000).describe("Longest time in milliseconds that a request's header may take to come in"),
  BACKLOT_EDGE_SITE_NETWORKS: z
    .string()
    .default("10.77.0.0/16")
    .describe(
      "Networks in which sites' programs run and to which HAProxy may send visitors, with ports where they are not a site's own: 192.0.2.7/32:30000-60999",
    ),
  BACKLOT_EDGE_MANAGERS: z
    .string()
    .default("")
    .describe("Managers (address:port, comma-separated) that HAProxy checks and balances on the host of BACKLOT_PUBLIC_URL; none unless given"),
  BACKLOT_EDGE_LOG_PORT: port.default(0).describe("UDP port on loopback where the router takes syslog of a HAProxy that somebody else starts; 0: none"),
  BACKLOT_EDGE_LOG_SERVER: z.string().optional().describe("Log server to which every access line goes on: udp://logs.example.org:514 or tcp://…"),
  BACKLOT_EDGE_ACCESS_LOG_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(2_000_000)
    .describe("Most bytes of one site's access log; 0: none is kept"),
};
