import { createHash } from "node:crypto";
import { setMember } from "#contract/api/members.ts";
import { createSite, updateSite, writeEnvironment } from "#contract/api/sites.ts";
import { formatEvent } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import { isSiteName } from "#contract/site.ts";
import type { MockCall, MockHandler } from "./mock-call.ts";
import { reportState, startOperation } from "./mock-operations.ts";
import { builtSite, type MockSite } from "./mock-world.ts";

export function siteOf({ world, params }: MockCall): MockSite {
  const site = world.sites.get(params.name ?? "");
  if (site === undefined) throw new Failure("site_not_found");
  return site;
}

const run =
  (kind: "restart" | "sleep" | "wake"): MockHandler =>
  (call) => {
    const site = siteOf(call);
    if (site.view.kind === "static") throw new Failure("site_static");
    if (site.view.availability === "disabled") throw new Failure("site_disabled");
    if (site.operations[0]?.state === "running") throw new Failure("site_busy");
    return { operation: startOperation(call.world, site, { kind }) };
  };

function checkNewName({ world }: MockCall, name: string): void {
  if (!isSiteName(name)) throw new Failure("site_name_invalid");
  if (["www", "api", "admin"].includes(name)) throw new Failure("site_name_reserved", { name });
  if (world.sites.has(name)) throw new Failure("site_name_taken", { name });
}

/** Keeps a stream of events open until the other side goes. */
function stream({ response }: MockCall): (data: unknown) => void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const beat = setInterval(() => response.write(": still here\n\n"), 15_000);
  response.on("close", () => clearInterval(beat));
  response.write(": open\n\n");
  return (data) => void response.write(formatEvent(data));
}

const findOperation = ({ world, params }: MockCall) => {
  for (const site of world.sites.values()) {
    const operation = site.operations.find((each) => each.id === params.id);
    if (operation !== undefined) return operation;
  }
  throw new Failure("operation_not_found");
};

export const mockSiteHandlers: Readonly<Record<string, MockHandler>> = {
  "sites.create": (call) => {
    const { name, kind, starter, description, image = null } = createSite.body.parse(call.body);
    checkNewName(call, name);
    const site = builtSite([name, kind, kind === "static" ? "running" : "starting", description], call.world.sites.size + 1);
    if (starter === undefined) site.files.clear();
    site.log = [];
    site.view = { ...site.view, image };
    call.world.sites.set(name, site);
    return { site: site.view, operation: startOperation(call.world, site, { kind: "create" }) };
  },
  "sites.list": ({ world, query }) => {
    const search = query.get("search") ?? "";
    const limit = Number(query.get("limit") ?? 50);
    const start = Number(query.get("cursor") ?? 0);
    const isMine = (site: MockSite): boolean => query.get("all") === "true" || site.view.id % 6 !== 0;
    const all = [...world.sites.values()].filter(
      (site) => isMine(site) && `${site.view.name} ${site.view.description}`.toLowerCase().includes(search.toLowerCase()),
    );
    const sites = all.map((site) => site.view).sort((a, b) => a.name.localeCompare(b.name));
    return { sites: sites.slice(start, start + limit), next: start + limit < sites.length ? String(start + limit) : null };
  },
  "sites.read": (call) => ({ site: siteOf(call).view }),
  "sites.status": (call) => siteOf(call).view.status,
  "sites.update": (call) => {
    const { name, settings, limits, cache, reason, ...rest } = updateSite.body.parse(call.body);
    const site = siteOf(call);
    if (name !== undefined) checkNewName(call, name);
    if (limits !== undefined && (reason ?? "") === "") throw new Failure("limits_need_reason");
    const awake = [...call.world.sites.values()].filter(({ view }) => view !== site.view && view.kind === "dynamic" && view.settings.idleSeconds === null);
    if (settings?.idleSeconds === null && awake.length >= 3) throw new Failure("awake_sites_used_up", { owner: "ada", count: awake.length });
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    site.view = {
      ...site.view,
      ...given,
      settings: { ...site.view.settings, ...settings },
      limits: { ...site.view.limits, ...limits },
      cache: { ...site.view.cache, ...cache },
      updatedAt: new Date().toISOString(),
    } as typeof site.view;
    const state = rest.availability;
    if (state !== undefined) reportState(call.world, site, { state: state === "enabled" ? "running" : state, reason: reason ?? null });
    if (name === undefined) return { site: site.view, operation: startOperation(call.world, site, { kind: "configure" }) };
    call.world.sites.delete(site.view.name);
    site.view = { ...site.view, name, url: `http://${name}.localhost:8080/` };
    call.world.sites.set(name, site);
    return { site: site.view, operation: startOperation(call.world, site, { kind: "rename" }) };
  },
  "sites.delete": (call) => {
    const site = siteOf(call);
    return { operation: startOperation(call.world, site, { kind: "delete", finish: () => call.world.sites.delete(site.view.name) }) };
  },
  "sites.restart": run("restart"),
  "sites.sleep": run("sleep"),
  "sites.wake": run("wake"),
  "sites.logs": (call) => {
    const site = siteOf(call);
    const lines = site.log.slice(-Number(call.query.get("tail") ?? 200));
    if (call.query.get("follow") !== "true") {
      return call.response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(lines.map(({ line }) => `${line}\n`).join(""));
    }
    const send = stream(call);
    for (const line of lines) send(line);
    const timer = setInterval(() => {
      if (site.view.state !== "running") return;
      const line = { line: `GET /api/scores 200 ${Math.round(3 + Math.random() * 20)} ms`, at: new Date().toISOString(), stream: "stdout" as const };
      site.log.push(line);
      send(line);
    }, 2000);
    call.response.on("close", () => clearInterval(timer));
  },
  "sites.environment.read": (call) => {
    const { environment } = siteOf(call);
    call.response.setHeader("etag", versionOf(environment));
    return { environment };
  },
  "sites.environment.write": (call) => {
    const site = siteOf(call);
    const expected = call.request.headers["if-match"];
    if (expected !== undefined && expected !== versionOf(site.environment)) throw new Failure("environment_changed");
    site.environment = writeEnvironment.body.parse(call.body).environment;
    call.response.setHeader("etag", versionOf(site.environment));
    return { operation: site.view.kind === "dynamic" ? startOperation(call.world, site, { kind: "configure" }) : null };
  },
  "members.list": (call) => ({ members: [...siteOf(call).members].map(([username, role]) => ({ username, role })) }),
  "members.set": (call) => {
    const { role } = setMember.body.parse(call.body);
    const username = call.params.username ?? "";
    if (!call.world.users.some((user) => user.username === username)) throw new Failure("user_not_found");
    keepOwner(siteOf(call), username, role === "owner");
    siteOf(call).members.set(username, role);
    return { member: { username, role } };
  },
  "members.remove": (call) => {
    keepOwner(siteOf(call), call.params.username ?? "", false);
    siteOf(call).members.delete(call.params.username ?? "");
  },
  "sites.operations": (call) => ({ operations: siteOf(call).operations.slice(0, 50), next: null }),
  "sites.audit": (call) => ({ entries: call.world.audit.filter((entry) => entry.site === call.params.name), next: null }),
  "operations.read": (call) => ({ operation: findOperation(call) }),
  "operations.events": (call) => {
    const operation = findOperation(call);
    const send = stream(call);
    send(operation);
    const listener = ({ operation: changed }: { operation?: typeof operation }): void => {
      if (changed?.id !== operation.id) return;
      send(changed);
      if (changed.state === "succeeded" || changed.state === "failed") call.response.end();
    };
    if (operation.state === "succeeded" || operation.state === "failed") return call.response.end();
    call.world.listeners.add(listener);
    call.response.on("close", () => call.world.listeners.delete(listener));
  },
  "events.follow": (call) => {
    const send = stream(call);
    const listener = ({ site }: { site?: MockSite["view"] }): void => site && send({ site: site.name, status: site.status });
    call.world.listeners.add(listener);
    call.response.on("close", () => call.world.listeners.delete(listener));
  },
  "system.read": () => ({
    version: "0.1.0",
    siteUrlPattern: "http://{name}.localhost:8080/",
    starters: [
      { name: "static", title: "A page", description: "A home page with a style sheet. Pure HTML, nothing to run.", kind: "static", missing: [] },
      { name: "node", title: "Node.js program", description: "A small web server in JavaScript, with a WebSocket.", kind: "dynamic", missing: [] },
      {
        name: "python",
        title: "Python program",
        description: "A WSGI application that needs only the standard library.",
        kind: "dynamic",
        missing: ["python3"],
      },
    ],
    isolation: { isolates: true, missing: [] },
    egress: { isAvailable: true, notes: [] },
    maySitesRun: true,
    allowsCommands: true,
    isOrchestratorThere: true,
  }),
};

const versionOf = (environment: MockSite["environment"]): string => `"${createHash("sha256").update(JSON.stringify(environment)).digest("hex")}"`;

function keepOwner(site: MockSite, username: string, staysOwner: boolean): void {
  const others = [...site.members].filter(([name, role]) => role === "owner" && name !== username);
  if (!staysOwner && others.length === 0) throw new Failure("last_owner");
}
