import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { edgeMissing, type HostedProgram, type SiteHost, startHostedProgram, takeSiteHost } from "../../../test/support/edge-router.ts";
import { aRoute, putFile, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { freePort } from "../../../test/support/site-program.ts";
import { OctetCounted } from "../syslog/syslog-message.ts";
import { edgeUser, prepareRunFolder } from "./run-folder.ts";

const missing = edgeMissing();
const app = aRoute({ siteId: 8, name: "app" });
const pages = aRoute({ siteId: 105, name: "pages", kind: "static" });
const patience = { timeout: 30_000, interval: 20 };

describe.skipIf(missing !== null)(`A HAProxy that somebody else starts${missing === null ? "" : ` (${missing})`}`, { timeout: 60_000 }, () => {
  let host: SiteHost;
  let program: HostedProgram;
  let router: RouterHarness;
  let haproxy: ChildProcess | undefined;
  let commands: number;
  let datagrams: number;
  let logPort: number;
  let logServer: Server | undefined;
  const logSockets = new Set<Socket>();
  const lines: string[] = [];

  const page = (): Promise<number> => visit(router.door, { host: "pages.localhost" }).then(({ status }) => status);
  /** The address at which the program was asked past the router; null: not at all, or by way of it. */
  const direct = async (): Promise<string | null> => {
    const { text } = await visit(router.door, { host: "app.localhost", path: "/seen?secret=1" });
    return (JSON.parse(text) as Record<string, string>)["x-backlot-address"] ?? null;
  };
  const isServed = async (): Promise<void> => {
    await expect.poll(() => page().catch(() => 0), patience).toBe(200);
    await expect.poll(() => direct().catch(() => null), patience).toBe(`${program.address.host}:${program.address.port}`);
  };

  /** From what the router wrote, with a runtime socket over TCP and its log in datagrams. */
  const startHaproxy = async (): Promise<void> => {
    const folder = await prepareRunFolder(router.data, edgeUser(undefined));
    const written = await readFile(path.join(folder, "haproxy.cfg"), "utf8");
    const own = path.join(router.data, "own.cfg");
    const log = `log 127.0.0.1:${datagrams} len 16000 format rfc5424 local0 info`;
    expect(written).toContain("log ring@access local0 info");
    await writeFile(own, `${written.replace("log ring@access local0 info", log)}\nglobal\n    stats socket ipv4@127.0.0.1:${commands} level admin\n`);
    haproxy = spawn("haproxy", ["-W", "-db", "-f", own], { stdio: "ignore", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } });
  };
  const killHaproxy = async (): Promise<void> => {
    if (haproxy === undefined || haproxy.exitCode !== null) return;
    const gone = once(haproxy, "exit");
    haproxy.kill("SIGKILL");
    await gone;
    haproxy = undefined;
  };

  const openLogServer = async (): Promise<void> => {
    logServer = createServer((socket) => {
      const frames = new OctetCounted();
      logSockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: Buffer) => lines.push(...frames.take(chunk)));
    }).listen(logPort, "127.0.0.1");
    await once(logServer, "listening");
  };
  const closeLogServer = async (): Promise<void> => {
    if (logServer === undefined) return;
    const closed = once(logServer, "close");
    logServer.close();
    for (const socket of logSockets) socket.destroy();
    await closed;
  };

  beforeAll(async () => {
    host = takeSiteHost();
    program = await startHostedProgram(host.address, (req, res) => res.end(JSON.stringify(req.headers)));
    [commands, datagrams, logPort] = [await freePort(), await freePort(), await freePort()];
    await openLogServer();
    router = await startRouter({
      environment: {
        BACKLOT_EDGE: "haproxy",
        BACKLOT_EDGE_SITE_NETWORKS: "10.231.0.0/16:1024-65535",
        BACKLOT_HAPROXY_SOCKET: `127.0.0.1:${commands}`,
        BACKLOT_EDGE_LOG_PORT: String(datagrams),
        BACKLOT_EDGE_LOG_SERVER: `tcp://127.0.0.1:${logPort}`,
        BACKLOT_ROUTER_STOP_MS: "500",
      },
    });
    router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
    await putFile(router, 105, "public/index.html", "<h1>hello</h1>");
  }, 60_000);
  afterAll(async () => {
    // A router leaves the folder to whoever starts its HAProxy.
    const folder = router === undefined ? null : await prepareRunFolder(router.data, edgeUser(undefined));
    await router?.[Symbol.asyncDispose]();
    await killHaproxy();
    if (folder !== null) await rm(folder, { recursive: true, force: true });
    await closeLogServer();
    await program?.stop();
    host?.[Symbol.dispose]();
  });

  test("it gets its routes when it comes, and again when it was killed and another has come", async () => {
    router.manager.upsert(app, pages);
    for (let round = 0; round < 2; round += 1) {
      await startHaproxy();
      await isServed();
      await router.settled();
      if (round === 0) await killHaproxy();
    }
  });

  test("while it is away nobody is told that a site is closed to visitors; it is when it has come back", async () => {
    await isServed();
    router.manager.upsert({ ...pages, availability: "not-served" });
    await router.settled();
    expect(await page()).toBe(503);
    await killHaproxy();
    router.manager.upsert(pages);
    await expect(router.settled()).rejects.toThrow("did not take the routes in");
    await startHaproxy();
    await isServed();
    await router.settled();
  });

  test("its log comes in datagrams; what nobody could have sent is refused, and nothing of it in a site's log", async () => {
    await isServed();
    const file = path.join(router.data, "logs", "access", "8.log");
    await expect.poll(() => readFile(file, "utf8").catch(() => ""), patience).toMatch(/^127\.0\.0\.1 - - \[\S+\] "GET \/seen" 200 \d+ "-" "" \d+ms$/m);
    const stranger = createSocket("udp4");
    for (const text of ["", "no syslog", "<134>1 - - haproxy - - - {broken", "<134>1 - - haproxy - - - {}", `<134>${"x".repeat(9000)}`]) {
      stranger.send(text, datagrams, "127.0.0.1");
    }
    await isServed();
    stranger.close();
    expect(await readFile(file, "utf8")).not.toMatch(/broken|secret|xxx/);
  });

  test("the log server hears every line over TCP, and again after it was away; its absence holds nobody up", async () => {
    await isServed();
    const told = (): boolean => lines.some((line) => line.includes('"p":"\\/seen"') && line.startsWith("<134>1 "));
    await expect.poll(told, patience).toBe(true);
    expect(lines.join("\n")).not.toContain("secret");
    await closeLogServer();
    lines.length = 0;
    for (let count = 0; count < 20; count += 1) expect(await page()).toBe(200);
    await openLogServer();
    await expect.poll(async () => (await direct()) !== null && told(), patience).toBe(true);
  });

  test("a router that stops leaves it alone", async () => {
    await isServed();
    const pid = haproxy?.pid;
    await router.restart();
    await isServed();
    expect([haproxy?.pid, haproxy?.exitCode]).toEqual([pid, null]);
  });
});
