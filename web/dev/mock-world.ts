import { randomUUID } from "node:crypto";
import type { FileVersion } from "#contract/api/files.ts";
import type { AuditView, OperationView, SiteView, UserView } from "#contract/api/views.ts";
import { defaultSiteLimits, type MemberRole, type SiteKind, type SiteState } from "#contract/site.ts";
import { defaultSiteCache } from "#contract/site-cache.ts";
import type { TokenScope } from "#contract/token-scope.ts";
import { siteVerbs } from "#contract/verb.ts";

export interface MockFile {
  bytes: Uint8Array;
  modifiedAt: string;
  executable: boolean;
}

export interface MockSite {
  view: SiteView;
  files: Map<string, MockFile>;
  folders: Set<string>;
  members: Map<string, MemberRole>;
  environment: Record<string, string>;
  operations: OperationView[];
  log: { line: string; at: string; stream: "stdout" | "stderr" | "platform" | "router" }[];
  /** Earlier content of files, the newest first. */
  versions: { version: FileVersion; bytes: Uint8Array }[];
  /** Told of every change of a file. */
  followers: Set<(folder: string, name: string) => void>;
}

export interface MockToken {
  id: string;
  name: string;
  scopes: TokenScope[];
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}

/** Everything that the pretended manager knows; one per development server or test. */
export interface MockWorld {
  me: UserView | null;
  users: UserView[];
  sites: Map<string, MockSite>;
  tokens: MockToken[];
  audit: AuditView[];
  /** Called for every change of a site's state and of an operation. */
  listeners: Set<(change: { site?: SiteView; operation?: OperationView }) => void>;
  stepMs: number;
}

const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
const encoder = new TextEncoder();
export const mockFile = (text: string, executable = false): MockFile => ({ bytes: encoder.encode(text), modifiedAt: ago(90), executable });

const lots: readonly [name: string, kind: SiteKind, state: SiteState, description: string, reason?: string][] = [
  ["anna", "static", "running", "Anna's own page"],
  ["art-club", "static", "running", "Gallery of the art club, with last year's exhibition"],
  ["astronomy", "dynamic", "asleep", "When is the next clear night?", "No visitor for 10 minutes. The next one wakes it."],
  ["bike-shed", "dynamic", "running", "Who has which bicycle"],
  ["broken-app", "dynamic", "crashed", "Homework that does not start", "Exited 1 three times in 10 s; last line: \"Error: Cannot find module 'express'\"."],
  ["canteen", "dynamic", "frozen", "This week's menu and votes", "Paused after 2 minutes without a visitor; goes on at once with the next one."],
  ["chess", "dynamic", "asleep", "League tables", "No visitor for 10 minutes. The next one wakes it."],
  ["choir", "static", "running", "Concert dates"],
  ["debate", "static", "running", "Motions and results"],
  ["drama", "static", "not-served", "Programme of the winter play", "Taken off the web until the première."],
  ["eco-team", "static", "running", "Measured: our school's electricity"],
  ["film-lab", "dynamic", "starting", "Upload and cut short films", "Waiting until the program listens on its port."],
  ["garden", "static", "running", "Sowing calendar"],
  ["homework-bot", "dynamic", "running", "Reminds of homework"],
  ["jazz-band", "static", "running", "Recordings"],
  ["library", "dynamic", "running", "Search the school library"],
  ["mathe-ag", "static", "running", "Problems of the week"],
  ["newspaper", "dynamic", "asleep", "The school's newspaper since 2009", "No visitor for 10 minutes. The next one wakes it."],
  ["old-forum", "dynamic", "disabled", "Forum of 2014", "Disabled by admin: out of date software."],
  ["photo-wall", "dynamic", "stopped", "Photos of the summer party", "Stopped because it was over its memory limit five times in an hour."],
  ["physics-lab", "dynamic", "asleep", "Plots of our pendulum", "No visitor for 10 minutes. The next one wakes it."],
  ["robotics", "dynamic", "running", "Scores of the robot races, live"],
  ["school-radio", "dynamic", "stopping", "Listen live at the long break", "Finishing the last requests before it sleeps."],
  ["trains", "static", "running", "Departures next to the school"],
  ["weather", "dynamic", "running", "The weather station on the roof"],
];

export function createMockWorld(options: { signedIn?: boolean; empty?: boolean; stepMs?: number } = {}): MockWorld {
  const users = ["admin", "anna", "ben", "chloe", "david"].map(
    (username, index): UserView => ({
      id: index + 1,
      username,
      role: index === 0 ? "administrator" : "member",
      isActive: username !== "david",
      createdAt: ago(60 * 24 * (90 - index * 7)),
    }),
  );
  const world: MockWorld = {
    me: options.signedIn === true ? (users[0] ?? null) : null,
    users,
    sites: new Map(),
    tokens: [
      {
        id: crypto.randomUUID(),
        name: "Laptop",
        scopes: ["full"],
        createdAt: ago(60 * 24 * 20),
        expiresAt: null,
        lastUsedAt: ago(14),
      },
      {
        id: crypto.randomUUID(),
        name: "Continuous integration",
        scopes: ["deploy", "files"],
        createdAt: ago(60 * 24 * 5),
        expiresAt: ago(-60 * 24 * 60),
        lastUsedAt: null,
      },
    ],
    audit: [],
    listeners: new Set(),
    stepMs: options.stepMs ?? 900,
  };
  if (options.empty !== true) for (const lot of lots) world.sites.set(lot[0], builtSite(lot, world.sites.size + 1));
  world.audit = [...world.sites.keys()].slice(0, 12).map((site, index) => ({
    id: 100 - index,
    at: ago(index * 47 + 3),
    actor: users[index % 4]?.username ?? null,
    door: (["web", "cli", "api", "system"] as const)[index % 4] ?? "web",
    address: index % 4 === 3 ? null : `10.0.0.${20 + index}`,
    action: ["site.restart", "files.write", "site.deploy", "site.sleep", "members.set", "session.create"][index % 6] ?? "site.restart",
    site: index % 6 === 5 ? null : site,
    details: index % 6 === 1 ? { path: "public/index.html", bytes: 2048 } : {},
  }));
  return world;
}

/** A new site with what its starter brings. */
export function builtSite([name, kind, state, description, reason]: (typeof lots)[number], id: number): MockSite {
  const status = { state, reason: reason ?? null, since: ago(id * 7) };
  const availability = state === "not-served" || state === "disabled" ? state : "enabled";
  return {
    view: {
      id,
      name,
      url: `http://${name}.localhost:8080/`,
      description,
      kind,
      purpose: name === "anna" ? "user" : "project",
      availability,
      availabilityReason: availability === "enabled" ? "" : (reason ?? ""),
      state,
      status,
      limits: defaultSiteLimits,
      egress: "none",
      cache: { ...defaultSiteCache, isOn: name === "library" },
      settings: { idleSeconds: 600, botsWake: false, canRunTwice: true, timeZone: "Europe/Berlin" },
      you:
        name === "debate"
          ? { role: "viewer", may: ["site.read", "site.logs", "site.files.read"] }
          : { role: id % 5 === 0 ? "editor" : "owner", may: [...siteVerbs] },
      createdAt: ago(60 * 24 * id),
      updatedAt: ago(60 * id),
    },
    files: new Map(starterFiles(name, kind)),
    folders: new Set(["public", "public/img", "private", ".home"]),
    members: new Map([
      ["admin", "owner"],
      ["anna", "editor"],
      ["ben", "viewer"],
    ]),
    environment: kind === "dynamic" ? { GREETING: "Good morning", API_KEY: "k-2f4a9c" } : {},
    operations: [finishedOperation(name, id)],
    log: kind === "dynamic" ? startLog(state) : [],
    versions: earlierVersions(),
    followers: new Set(),
  };
}

/** Every site was created once. */
function finishedOperation(site: string, day: number): OperationView {
  const at = (seconds: number): string => new Date(Date.now() - day * 86_400_000 + seconds * 1000).toISOString();
  const titles = ["Reserve the name and the address", "Make the site's folder", "Copy the starter's files", "Tell the router"];
  const steps = titles.map((title, index) => ({
    name: `step-${index}`,
    title,
    state: "succeeded" as const,
    attempt: 1,
    message: null,
    startedAt: at(index * 0.1),
    finishedAt: at(index * 0.1 + 0.1),
  }));
  const times = { createdAt: at(0), startedAt: at(0), finishedAt: at(0.4) };
  return { id: randomUUID(), kind: "create", state: "succeeded", site, requestedBy: "admin", failure: null, steps, ...times };
}

function starterFiles(name: string, kind: SiteKind): [string, MockFile][] {
  const page = `<!doctype html>\n<html lang="en">\n  <head>\n    <meta charset="utf-8">\n    <title>${name}</title>\n    <link rel="stylesheet" href="style.css">\n  </head>\n  <body>\n    <h1>Hello from ${name}</h1>\n    <p>Edit this page under Files, public, index.html.</p>\n  </body>\n</html>\n`;
  const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120"><rect width="240" height="120" fill="#0e6b5e"/><circle cx="120" cy="60" r="38" fill="#f2c14e"/></svg>\n`;
  const program = `import { createServer } from "node:http";\n\nconst { HOST, PORT } = process.env;\n\ncreateServer((request, response) => {\n  response.setHeader("content-type", "text/html; charset=utf-8");\n  response.end("<h1>Hello</h1>");\n}).listen(Number(PORT), HOST, () => {\n  console.log("listening on " + HOST + ":" + PORT);\n});\n`;
  const files: [string, MockFile][] = [
    ["public/index.html", mockFile(page)],
    ["public/style.css", mockFile("body {\n  font: 1.1rem/1.6 system-ui;\n  max-width: 40rem;\n  margin: 3rem auto;\n}\n")],
    ["public/img/logo.svg", mockFile(logo)],
    ["public/data.bin", { bytes: new Uint8Array(4096).map((_, i) => i % 256), modifiedAt: ago(3000), executable: false }],
  ];
  if (kind === "dynamic") files.push(["run.sh", mockFile("#!/bin/sh\nexec node private/server.mjs\n", true)], ["private/server.mjs", mockFile(program)]);
  return files;
}

/** The page as it was before, twice. */
function earlierVersions(): MockSite["versions"] {
  const texts = ["<!doctype html>\n<h1>Hello</h1>\n", "<!doctype html>\n<html>\n  <body>\n    <h1>Hello again</h1>\n  </body>\n</html>\n"];
  return texts.map((text, index) => {
    const bytes = encoder.encode(text);
    const times = { modifiedAt: ago(3000 + 2000 * index), endedAt: ago(1000 + 2000 * index) };
    const by = { username: index === 0 ? "anna" : "ben", door: "web" };
    const version = { id: randomUUID(), path: "public/index.html", sha256: String(index), size: bytes.length, executable: false, ...times };
    return { version: { ...version, savedBy: by, ended: "overwrite" as const, endedBy: { username: "anna", door: "sftp" } }, bytes };
  });
}

function startLog(state: SiteState): MockSite["log"] {
  const lines = ["The program was started.", "listening on 10.40.0.7:4821"];
  for (let index = 0; index < 40; index++) {
    lines.push(`GET /${["", "style.css", "api/scores", "img/logo.svg", "favicon.ico"][index % 5]} 200 ${3 + ((index * 7) % 23)} ms`);
    if (index % 17 === 16) lines.push("502 GET /api/scores: the program closed the connection before it answered");
    if (index % 13 === 12) lines.push("Warning: slow query, 412 ms: SELECT * FROM scores ORDER BY points DESC LIMIT 100 OFFSET 4000");
  }
  if (state === "crashed")
    lines.push("node:internal/modules/package_json_reader:268", "Error: Cannot find module 'express'", "The program exited with code 1.");
  return lines.map((line, index) => ({
    line,
    at: ago(60 - index),
    stream: line.startsWith("The program") ? "platform" : line.startsWith("502") ? "router" : /warning|error/i.test(line) ? "stderr" : "stdout",
  }));
}
