import { deviceCookieName, sessionCookieName } from "#contract/session-cookie.ts";
import { accessLogFormat } from "../../syslog/access-line.ts";
import { isTooLong, untoldToActivator, waitForUntold } from "./body-rules.ts";
import { errorStatuses } from "./error-files.ts";
import { type BalancedManagers, managersSection } from "./managers-section.ts";

/** The visitors' door with TLS. */
export interface TlsDoor {
  /** `address:port`. */
  readonly bind: string;
  readonly port: number;
  /** Folder of the certificates, an absolute path without a quotation mark. */
  readonly folder: string;
  /** Of what is in it: HAProxy reads it only when it starts. */
  readonly fingerprint: string;
  /** Visitors without TLS are sent there. */
  readonly redirectsPlain: boolean;
}

/** Files and sockets that HAProxy uses. All lie in the run folder, so that their names hold nothing that has to be quoted. */
export interface HaproxyPlaces {
  /** Where it is told of changes. */
  readonly commands: string;
  readonly map: string;
  /** Folder of the pages that it answers itself. */
  readonly errors: string;
  /** Where the router takes its log. */
  readonly log: string;
  readonly activator: string;
  /** Of each static server. */
  readonly statics: readonly string[];
  readonly statistics: string;
}

/** Everything that the configuration is made of. */
export interface HaproxyFacts {
  readonly places: HaproxyPlaces;
  /** `address:port` of the visitors' door. */
  readonly bind: string;
  readonly acceptsProxyProtocol: boolean;
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly threads: number;
  readonly maxConnections: number;
  readonly statisticsPort: number | null;
  /** Addresses or CIDR blocks whose X-Forwarded-* are believed. */
  readonly trustedProxies: readonly string[];
  /** Of one visitor's address: requests in ten seconds, and connections at once. */
  readonly mostRequests: number;
  readonly mostVisitorConnections: number;
  /** Requests that one program works on at once; and requests of one host at once, whoever answers them. */
  readonly mostSiteRequests: number;
  readonly headMs: number;
  readonly connectMs: number;
  readonly uploadStallMs: number;
  readonly responseHeadMs: number;
  readonly idleMs: number;
  readonly stopMs: number;
  readonly managers: BalancedManagers | null;
  /** Null: no TLS, or in front of HAProxy. */
  readonly tls: TlsDoor | null;
}

/**
 * HAProxy's whole configuration. It takes the plain requests of static sites and of sites that run; whatever needs judgement goes to the
 * activator, which is this router: unknown hosts, sites asleep or closed, bodies of unknown or too great length, the dashboard's cookies. Pure.
 */
export function haproxyConfig(facts: HaproxyFacts): string {
  const sections = [globalSection(facts), ringSection(facts), defaultsSection(facts), visitorsSection(facts), liveSection(facts)];
  sections.push(
    staticSection(facts),
    activatorSection(facts),
    ...managersSection(facts.managers, facts.idleMs),
    tableSections(facts),
    statisticsSection(facts),
  );
  return `${sections.map(([head, ...lines]) => [head, ...lines.map((line) => `    ${line}`)].join("\n")).join("\n\n")}\n`;
}

type Section = readonly string[];

function globalSection({ places, user, threads, maxConnections, stopMs }: HaproxyFacts): Section {
  return [
    "global",
    "master-worker",
    // One that was left over would share the port in silence and answer with what it knew.
    "noreuseport",
    ...(user === null ? [] : [`uid ${user.uid}`, `gid ${user.gid}`]),
    `nbthread ${threads}`,
    `maxconn ${maxConnections}`,
    `hard-stop-after ${stopMs}ms`,
    `stats socket ${places.commands} mode 600 level admin expose-fd listeners`,
    "stats timeout 1m",
  ];
}

// The log as a stream over a private socket: nothing is lost while the router is away for a moment, and nobody else can write into it.
function ringSection({ places }: HaproxyFacts): Section {
  return [
    "ring access",
    "format rfc5424",
    "maxlen 16000",
    "size 4194304",
    "timeout connect 1s",
    "timeout server 10s",
    `server router unix@${places.log} log-proto octet-count`,
  ];
}

function defaultsSection(facts: HaproxyFacts): Section {
  const { places, maxConnections } = facts;
  return [
    "defaults",
    "mode http",
    `maxconn ${maxConnections}`,
    `timeout connect ${facts.connectMs}ms`,
    `timeout http-request ${facts.headMs}ms`,
    "timeout http-keep-alive 65s",
    `timeout client ${facts.uploadStallMs}ms`,
    `timeout server ${facts.responseHeadMs}ms`,
    `timeout tunnel ${facts.idleMs}ms`,
    "timeout client-fin 30s",
    "option redispatch 1",
    "retries 1",
    // The first server of a backend is the activator; a rule sends requests to the others as long as they can be reached.
    "balance first",
    ...errorStatuses.map((status) => `errorfile ${status} ${places.errors}/${status}.http`),
  ];
}

/** A customer has a whole /64 of IPv6: each of its addresses would be another visitor, and push the others' entries out. Mapped IPv4 counts as IPv4. */
const oneVisitor = "ipmask(32,64)";

function visitorsSection(facts: HaproxyFacts): Section {
  const { bind, acceptsProxyProtocol, mostRequests, mostVisitorConnections, places, managers, trustedProxies, tls } = facts;
  const proxied = acceptsProxyProtocol ? " accept-proxy" : "";
  const stranger = trustedProxies.length === 0 ? "" : " unless trusted";
  return [
    "frontend visitors",
    `bind ${bind}${proxied}`,
    ...(tls === null ? [] : [`bind ${tls.bind}${proxied} ssl crt '${tls.folder}' alpn h2,http/1.1 ssl-min-ver TLSv1.2`, `# certificates: ${tls.fingerprint}`]),
    "log ring@access local0 info",
    "option dontlognull",
    `log-format ${accessLogFormat}`,
    ...(trustedProxies.length === 0 ? [] : [`acl trusted src ${trustedProxies.join(" ")}`]),
    `tcp-request session track-sc0 src,${oneVisitor} table visitors_table${stranger}`,
    `tcp-request session reject if { sc0_conn_cur gt ${mostVisitorConnections} }`,
    "http-request set-var(txn.host) req.fhdr(host),field(1,:),lower",
    "http-request set-var(txn.path) path",
    "http-request set-var(txn.agent) req.fhdr(user-agent)",
    "http-request set-var(txn.purpose) req.fhdr(sec-purpose)",
    `http-request set-var(txn.route) var(txn.host),map_str(${places.map})`,
    ...forwardingRules(facts),
    `http-request deny deny_status 429 if { sc0_http_req_rate gt ${mostRequests} }`,
    // Hosts of sites only: with any others a visitor could fill the table, and what does not fit into it is not counted.
    "http-request track-sc2 var(txn.host) table hosts_table if { var(txn.route) -m found }",
    busyRule(facts, "sc2_conn_cur"),
    "http-request del-header upgrade if { req.fhdr(upgrade) -m beg -i h2 }",
    ...(tls?.redirectsPlain === true ? [toTls(tls)] : []),
    waitForUntold(facts.headMs),
    "http-request set-var(txn.limit) var(txn.route),field(4,|) if { req.fhdr(content-length) -m found }",
    ...(managers === null ? [] : [`use_backend managers if { var(txn.host) -m str ${managers.host} }`]),
    // Addresses of HTTP/2 are always absolute, and mean the host that is asked.
    ...untoldToActivator(),
    "use_backend activator if { req.fhdr(expect) -m found } or !{ url -m beg / } !{ fc_http_major 2 } or { method CONNECT }",
    `use_backend activator if { req.fhdr(cookie) -m sub ${sessionCookieName} ${deviceCookieName} }`,
    `use_backend static if { var(txn.route) -m beg static } { method GET HEAD } !{ req.fhdr(content-length) -m found } { path -m reg ${plainPath} }`,
    `use_backend live if { var(txn.route) -m beg live } !${isTooLong}`,
    "default_backend activator",
  ];
}

/**
 * Paths that name a file in exactly one way: no empty and no hidden parts, no dots, slashes, percent signs, backslashes or control characters in disguise.
 * Written so that HAProxy reads it as one word, and so that it means the same to every kind of regular expression.
 */
const plainPath =
  "'^(/(%2[0-46-9A-Da-d]|%[346-9A-Fa-f][0-9A-Fa-f]|%5[0-9ABDEFabdef]|[A-Za-z0-9_~!$&()*+,;=:@-])(%2[0-46-9A-Da-d]|%[346-9A-Fa-f][0-9A-Fa-f]|%5[0-9ABDEFabdef]|[A-Za-z0-9_~!$&()*+,;=:@.-])*)*/?$'";

// Not for ever: an installation that gives TLS up again must not have visitors who remember. Proofs for certificates are asked for without it.
function toTls({ port }: TlsDoor): string {
  const place = `https://%[var(txn.host)]${port === 443 ? "" : `:${port}`}%[pathq]`;
  return `http-request redirect location ${place} code 307 if !{ var(txn.proto) -m str https } { var(txn.host) -m reg ^[a-z0-9.-]+$ } !{ path -m beg /.well-known/acme-challenge/ }`;
}

// What a visitor says of itself counts for nothing, in whatever spelling: `X_Real_IP` is `X-Real-IP` to CGI and WSGI programs.
function forwardingRules({ trustedProxies, tls }: HaproxyFacts): Section {
  const fromProxy = "if trusted { req.fhdr(x-forwarded-for) -m found }";
  const isTrusting = trustedProxies.length > 0;
  return [
    "http-request set-var(txn.visitor) src",
    "http-request set-var(txn.proto) str(http)",
    ...(tls === null ? [] : ["http-request set-var(txn.proto) str(https) if { ssl_fc }"]),
    ...(isTrusting
      ? [
          `http-request set-var(txn.chain) req.fhdr(x-forwarded-for) ${fromProxy}`,
          `http-request set-var(txn.visitor) req.hdr_ip(x-forwarded-for,-1) ${fromProxy}`,
          "http-request set-var(txn.proto) str(https) if trusted { req.fhdr(x-forwarded-proto) -m str https }",
          `http-request track-sc0 var(txn.visitor),${oneVisitor} table visitors_table if trusted`,
        ]
      : []),
    ...["x-forwarded", "x-real-ip", "x-real_ip", "x-site-root", "x-site_root", "x-backlot", "x_"].map((prefix) => `http-request del-header ${prefix} -m beg`),
    "http-request del-header forwarded",
    "http-request set-header X-Forwarded-For %[src]",
    ...(isTrusting ? ["http-request set-header X-Forwarded-For %[var(txn.chain)],\\ %[src] if { var(txn.chain) -m found }"] : []),
    "http-request set-header X-Real-IP %[var(txn.visitor)]",
    "http-request set-header X-Forwarded-Proto %[var(txn.proto)]",
    "http-request set-header X-Forwarded-Host %[req.fhdr(host)]",
  ];
}

// Cookies for a wider domain would reach other sites: without its Domain a cookie stays with the host.
const narrowCookie = String.raw`http-response replace-header Set-Cookie '^(.*);[^;=]*[Dd][Oo][Mm][Aa][Ii][Nn][^;=]*=[^;]*(.*)$' '\1\2' if { res.fhdr(set-cookie) -m sub -i domain }`;
// Each rule takes one away, the last first; more than three are no mistake, and cost the answer all its cookies.
const ownCookies: Section = [
  narrowCookie,
  narrowCookie,
  narrowCookie,
  "http-response del-header Set-Cookie if { res.fhdr(set-cookie) -m reg -i ';[^;=]*domain[^;=]*=' }",
  // Nor may one have a name of the dashboard's: it could be taken for its own. `=name=value` comes back as `name=value`.
  `http-response del-header Set-Cookie if { res.fhdr(set-cookie) -m reg '^[[:space:]]*=?[[:space:]]*(__Host-)?(${sessionCookieName}|${deviceCookieName})[[:space:]]*(=|;|$)' }`,
];

// What is one too many is told to come again, before anybody has to do with it.
function busyRule({ places, mostSiteRequests }: HaproxyFacts, underWay: string): string {
  return `http-request return status 503 content-type text/html file ${places.errors}/busy.html hdr Retry-After 5 if { ${underWay} gt ${mostSiteRequests} }`;
}

function liveSection(facts: HaproxyFacts): Section {
  const { places, idleMs } = facts;
  return [
    "backend live",
    "http-request track-sc1 var(txn.route),field(5,|) table targets_table",
    // The hosts of a site share its program.
    busyRule(facts, "sc1_conn_cur"),
    // Told to the activator, to which the request goes when nobody listens there: it is not in the program's hands then.
    "http-request set-header X-Backlot-Address %[var(txn.route),field(5,|)]",
    "http-request set-dst var(txn.route),field(2,|)",
    "http-request set-dst-port var(txn.route),field(3,|)",
    `http-request set-timeout server ${idleMs}ms if { req.fhdr(accept) -m sub text/event-stream }`,
    "http-request disable-l7-retry if !{ method GET HEAD }",
    "retry-on conn-failure empty-response",
    ...ownCookies,
    "use-server fresh if !{ method GET HEAD OPTIONS }",
    "use-server kept if { always_true }",
    `server activator unix@${places.activator}`,
    // A request that may not be sent twice never meets a connection that the program is just closing.
    "server fresh 0.0.0.0:0 pool-max-conn 0",
    "server kept 0.0.0.0:0 pool-purge-delay 2s",
  ];
}

// What nginx does not find or may not follow is the activator's: it knows links, 404.html and the pages for people.
function staticSection({ places }: HaproxyFacts): Section {
  return [
    "backend static",
    "http-request set-header X-Site-Root %[var(txn.route),field(2,|)]",
    "http-response del-header Server",
    "retry-on conn-failure empty-response 403 404 500 503",
    ...staticChoice(places.statics.length),
    `server activator unix@${places.activator}`,
    // Away, they are not even tried.
    ...places.statics.map((socket, index) => `server ${nginxName(index)} unix@${socket} check inter 500ms fall 2 rise 1`),
  ];
}

// One at random, the next one when that is away: a rule whose server is down does not count.
function staticChoice(count: number): Section {
  const names = Array.from({ length: count }, (_, index) => nginxName(index));
  const drawn = names.slice(1).map((name, index) => `use-server ${name} if { rand(${count}) eq ${index} }`);
  return [...drawn, ...names.map((name) => `use-server ${name} if { always_true }`)];
}

function nginxName(index: number): string {
  return index === 0 ? "nginx" : `nginx${index + 1}`;
}

function activatorSection({ places, idleMs }: HaproxyFacts): Section {
  // It has limits of its own for everything; and a request that waits for its site may wait long.
  return ["backend activator", `timeout server ${idleMs}ms`, "retries 3", "retry-on conn-failure", `server activator unix@${places.activator}`];
}

function tableSections({ maxConnections }: HaproxyFacts): Section {
  const visitors = `    stick-table type ipv6 size ${Math.max(10_000, maxConnections * 2)} expire 1m store conn_cur,http_req_rate(10s)`;
  const targets = "    stick-table type string len 32 size 20k expire 1h store conn_cur,http_req_cnt";
  const hosts = "    stick-table type string len 253 size 50k expire 1m store conn_cur";
  return [`backend visitors_table\n${visitors}\n\nbackend targets_table\n${targets}\n\nbackend hosts_table\n${hosts}`];
}

function statisticsSection({ places, statisticsPort }: HaproxyFacts): Section {
  return [
    "frontend statistics",
    `bind unix@${places.statistics} mode 600`,
    ...(statisticsPort === null ? [] : [`bind 127.0.0.1:${statisticsPort}`]),
    "no log",
    "stats enable",
    "stats uri /",
    "stats refresh 10s",
    "stats show-legends",
  ];
}
