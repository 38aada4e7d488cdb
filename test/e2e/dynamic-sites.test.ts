import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { readStatus, restartSite, sleepSite, updateSite } from "#contract/api/sites.ts";
import { type Backlot, checkout, startBacklot } from "../support/backlot.ts";
import { type CliRun, done, runBacklot } from "../support/backlot-cli.ts";
import type { Person } from "../support/backlot-person.ts";
import { firstMissing, titled, whyNoSandbox, whyNotPython } from "../support/needs.ts";

// A member's programs run in a sandbox or not at all.
const missing = whyNoSandbox();
const noPython = firstMissing(missing, whyNotPython());

let backlot: Backlot;
let home: string;
let ann: Person;

beforeAll(async () => {
  backlot = await startBacklot({ byNpm: true, environment: { BACKLOT_SITE_BOOT_MS: "15000" } });
  home = await mkdtemp(join(tmpdir(), "backlot-home-"));
  ann = await backlot.addPerson("ann");
});
afterAll(async () => {
  await backlot?.[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

test.skipIf(missing !== null)(titled("an Express application with a WebSocket from npm runs as it is", missing), async () => {
  const folder = await application("chat", {
    "run.sh": "#!/bin/sh\ncd /site\nexec node server.js\n",
    "server.js": expressServer,
    "package.json": '{"name":"chat","dependencies":{"express":"*","ws":"*"}}',
  });
  for (const name of await withDependencies(["express", "ws"])) {
    await cp(join(checkout, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
  }
  await done(cli(["deploy", folder, "--create", "--include", "node_modules"]));
  expect(await backlot.visit("chat", "/hello?name=Ann")).toMatchObject({ status: 200, text: '{"hello":"Ann"}' });
  const body = JSON.stringify({ text: "ü".repeat(50_000) });
  const posted = await backlot.visit("chat", "/echo", { method: "POST", body, headers: { "content-type": "application/json" } });
  expect(posted).toMatchObject({ status: 200, text: body });
  expect(await conversation("chat", ["one", "two", "x".repeat(200_000)])).toEqual(["echo one", "echo two", `echo ${"x".repeat(200_000)}`]);
  const { out } = await done(cli(["logs", "chat"]));
  expect(out).toContain("a socket was opened");
});

test.skipIf(noPython !== null)(titled("a Python WSGI application runs on the standard library", noPython), async () => {
  const folder = await application("wsgi", { "run.sh": "#!/bin/sh\nexec python3 /site/app.py\n", "app.py": wsgiApplication });
  await done(cli(["deploy", folder, "--create"]));
  const answer = await backlot.visit("wsgi", "/a/b?q=1", { method: "PUT", body: "bytes", headers: { "x-custom": "yes" } });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.text)).toEqual({ method: "PUT", path: "/a/b", query: "q=1", body: "bytes", host: "wsgi.localhost", custom: "yes" });
});

test.skipIf(noPython !== null)(titled("a program sleeps, wakes within the request, and restarts with its new files", noPython), async () => {
  const { operation } = await ann.client.call(sleepSite, { params: { name: "wsgi" } });
  await ann.succeeded(operation);
  expect((await ann.client.call(readStatus, { params: { name: "wsgi" } })).state).toBe("asleep");
  const before = await startsOf("wsgi");
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => backlot.visit("wsgi", `/${index}`)));
  expect(answers.map(({ status, text }) => [status, JSON.parse(text).path])).toEqual(answers.map((_, index) => [200, `/${index}`]));
  expect(await startsOf("wsgi")).toBe(before + 1);
  expect((await ann.client.call(readStatus, { params: { name: "wsgi" } })).state).toBe("running");
  await ann.put("wsgi", "app.py", wsgiApplication.replace('"method"', '"verb"'));
  expect((await backlot.visit("wsgi")).text).toContain('"method"');
  await ann.succeeded((await ann.client.call(restartSite, { params: { name: "wsgi" } })).operation);
  expect((await backlot.visit("wsgi")).text).toContain('"verb"');
});

test.skipIf(missing !== null)(titled("no request fails while a busy site restarts, and none while a changed version is deployed", missing), async () => {
  const answers: string[] = [];
  let isOver = false;
  // What arrives as a program is being exchanged, what cannot be asked twice, and what is under way for a while.
  const ways = [
    ["/version"],
    ["/version", { method: "POST", body: "once" }],
    ["/version?ms=400"],
    ["/version?ms=100", { method: "POST", body: "once" }],
  ] as const;
  const visitors = ways.map(async ([path, init]) => {
    while (!isOver) answers.push(await backlot.visit("chat", path, init).then(({ status, text }) => `${status} ${text}`, String));
  });
  const more = (): Promise<void> => {
    const before = answers.length;
    return expect.poll(() => answers.length - before, { timeout: 30_000 }).toBeGreaterThan(2 * ways.length);
  };
  await more();
  await ann.succeeded((await ann.client.call(restartSite, { params: { name: "chat" } })).operation);
  await more();
  const ofRestart = answers.splice(0);
  await writeFile(join(home, "chat", "server.js"), expressServer.replace('"first"', '"second"'));
  await done(cli(["deploy", join(home, "chat"), "--site", "chat", "--include", "node_modules"]));
  const ofDeployment = answers.splice(0);
  await more();
  isOver = true;
  await Promise.all(visitors);
  expect(ofRestart.length).toBeGreaterThan(4 * ways.length);
  expect(new Set(ofRestart)).toEqual(new Set(["200 first"]));
  expect(ofDeployment.length).toBeGreaterThan(ways.length);
  expect(ofDeployment.filter((answer) => answer !== "200 first" && answer !== "200 second")).toEqual([]);
  // What had come before the switch may still have been under way with the old version; whoever came after it met the new one.
  expect(answers.filter((answer) => answer !== "200 second").length).toBeLessThanOrEqual(ways.length);
  expect(answers.filter((answer) => answer !== "200 first" && answer !== "200 second")).toEqual([]);
  expect(await backlot.visit("chat", "/version")).toMatchObject({ status: 200, text: "second" });
});

test.skipIf(noPython !== null)(titled("a renamed site answers under its new name and not under the old one", noPython), async () => {
  const { operation } = await ann.client.call(updateSite, { params: { name: "wsgi" }, body: { name: "renamed" } });
  if (operation !== null) await ann.succeeded(operation);
  expect((await backlot.visit("renamed")).status).toBe(200);
  expect((await backlot.visit("wsgi")).status).toBe(404);
});

test.skipIf(missing !== null)(titled("a program that ends, one that does not listen, and one that is not there are told in plain words", missing), async () => {
  const crashing = await application("crashing", { "run.sh": "#!/bin/sh\necho broken on purpose >&2\nexit 3\n" });
  await cli(["deploy", crashing, "--create"]);
  const page = await backlot.visit("crashing", "/", { headers: { accept: "text/html" } });
  expect(page.status).toBe(503);
  expect(page.headers["content-type"]).toContain("text/html");
  const reason = async (): Promise<string | null> => (await ann.client.call(readStatus, { params: { name: "crashing" } })).reason;
  // It is tried again by itself, so that the state changes between starting and crashed.
  await expect.poll(reason, { timeout: 30_000 }).toMatch(/exited 3 .*times in .*; last line: broken on purpose/);
  const silent = await application("silent", { "run.sh": "#!/bin/sh\nexec sleep 600\n" });
  await cli(["deploy", silent, "--create"]);
  const unheard = await backlot.visit("silent", "/", { headers: { accept: "text/html" } });
  expect(unheard.status).toBe(503);
  expect(unheard.text).toContain("run.sh must listen on $HOST:$PORT");
  const whyUnheard = async (): Promise<string | null> => (await ann.client.call(readStatus, { params: { name: "silent" } })).reason;
  await expect.poll(whyUnheard, { timeout: 30_000 }).toMatch(/nothing listens on \$PORT after \d+ s.*run\.sh must listen on \$HOST:\$PORT/);
  const empty = await application("empty", { "readme.txt": "no run.sh" });
  await done(cli(["create", "empty", "--kind", "dynamic"]));
  await cli(["deploy", empty, "--site", "empty"]);
  expect((await backlot.visit("empty")).status).toBe(503);
  expect((await ann.client.call(readStatus, { params: { name: "empty" } })).reason).toContain("run.sh");
});

/** How often the WSGI application has begun, by its own log. */
async function startsOf(site: string): Promise<number> {
  const log = await backlot.ask(`/api/v1/sites/${site}/logs?tail=1000`, { headers: { authorization: `Bearer ${ann.token}` } });
  expect(log.status).toBe(200);
  return log.text.split("the application begins").length - 1;
}

function cli(argv: readonly string[]): Promise<CliRun> {
  return runBacklot(argv, { home, server: backlot.manager, token: ann.token });
}

async function application(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(home, name);
  await mkdir(folder);
  for (const [path, content] of Object.entries(files)) await writeFile(join(folder, path), content, { mode: path === "run.sh" ? 0o755 : 0o644 });
  return folder;
}

/** Packages with everything that they need, as npm laid them out: flat. */
async function withDependencies(names: readonly string[]): Promise<readonly string[]> {
  const found = new Set(names);
  for (const name of found) {
    const manifest: { readonly dependencies?: Readonly<Record<string, string>> } = JSON.parse(
      await readFile(join(checkout, "node_modules", name, "package.json"), "utf8"),
    );
    for (const needed of Object.keys(manifest.dependencies ?? {})) found.add(needed);
  }
  return [...found];
}

/** Says each line over a WebSocket and collects one answer to each, in order. */
async function conversation(site: string, lines: readonly string[]): Promise<readonly string[]> {
  const socket = new WebSocket(backlot.router.replace("http", "ws"), { headers: { host: `${site}.localhost` } });
  const answers: string[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("open", () => {
      for (const line of lines) socket.send(line);
    });
    socket.on("message", (data) => {
      answers.push(String(data));
      if (answers.length === lines.length) socket.close(1000);
    });
    socket.once("close", () => resolve());
  });
  return answers;
}

const expressServer = `
const express = require("express");
const { createServer } = require("node:http");
const { WebSocketServer } = require("ws");
const app = express();
app.use(express.json({ limit: "1mb" }));
app.get("/hello", (request, response) => response.json({ hello: request.query.name }));
app.post("/echo", (request, response) => response.json(request.body));
app.all("/version", (request, response) => setTimeout(() => response.send("first"), Number(request.query.ms ?? 0)));
const server = createServer(app);
new WebSocketServer({ server }).on("connection", (socket) => {
  console.log("a socket was opened");
  socket.on("message", (data) => socket.send("echo " + data));
});
process.on("SIGTERM", () => server.close(() => process.exit(0)));
server.listen(Number(process.env.PORT), process.env.HOST);
`;

const wsgiApplication = `
import json, os
print("the application begins", flush=True)
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

def app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    answer = {"method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"], "query": environ["QUERY_STRING"], "body": body,
              "host": environ["HTTP_HOST"], "custom": environ.get("HTTP_X_CUSTOM")}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]

class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

make_server(os.environ["HOST"], int(os.environ["PORT"]), app, server_class=Server).serve_forever()
`;
