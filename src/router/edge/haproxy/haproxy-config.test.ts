import { expect, test } from "vitest";
import { errorFiles, errorStatuses } from "./error-files.ts";
import { type HaproxyFacts, haproxyConfig } from "./haproxy-config.ts";

const places = {
  commands: "/run/edge/commands.sock",
  map: "/run/edge/routes.map",
  errors: "/run/edge/errors",
  log: "/run/edge/log.sock",
  activator: "/run/edge/activator.sock",
  statics: ["/run/edge/static/nginx.sock"],
  statistics: "/run/edge/statistics.sock",
};
const facts: HaproxyFacts = {
  places,
  bind: "127.0.0.1:8080",
  acceptsProxyProtocol: false,
  user: { uid: 106, gid: 108 },
  threads: 1,
  maxConnections: 9000,
  statisticsPort: null,
  trustedProxies: [],
  mostRequests: 3000,
  mostVisitorConnections: 500,
  mostSiteRequests: 2000,
  headMs: 20_000,
  connectMs: 5000,
  uploadStallMs: 60_000,
  responseHeadMs: 120_000,
  idleMs: 3_600_000,
  stopMs: 3000,
  managers: null,
  tls: null,
};

test("the whole configuration", async () => {
  await expect(haproxyConfig(facts)).toMatchFileSnapshot("./haproxy-config.expected.cfg");
});

test("the whole configuration with all that can be chosen", async () => {
  const chosen = { bind: "[::]:8080", acceptsProxyProtocol: true, user: null, statisticsPort: 9000, trustedProxies: ["10.0.0.0/8", "2001:db8::/32"] };
  const managers = { host: "dashboard.example.org", addresses: ["10.0.0.1:8000", "10.0.0.2:8000"] };
  const tls = { bind: "[::]:8443", port: 8443, folder: "/etc/our certificates", fingerprint: "0123abcd", redirectsPlain: true };
  const all = { ...places, statics: ["/run/edge/static/nginx.sock", "/run/edge/static2/nginx.sock", "/run/edge/static3/nginx.sock"] };
  await expect(haproxyConfig({ ...facts, ...chosen, managers, tls, places: all })).toMatchFileSnapshot("./haproxy-config.chosen.cfg");
});

test("each of HAProxy's own answers is a whole one that says what to do", () => {
  const files = errorFiles();
  expect([...files.keys()]).toEqual([...errorStatuses.map((status) => `${status}.http`), "busy.html"]);
  for (const status of errorStatuses) {
    const text = files.get(`${status}.http`) ?? "";
    const [head = "", body = ""] = text.split("\r\n\r\n");
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
    // More than HAProxy's buffer holds is refused.
    expect(Buffer.byteLength(text)).toBeLessThan(14_000);
  }
});
