import { lstat, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readEvents, readLines } from "#contract/events.ts";
import {
  applySite,
  followStatuses,
  listHeldSites,
  logLine,
  pushEpochs,
  readCapabilities,
  readSiteLogs,
  readSiteStatus,
  removeSite,
  retireInstances,
  siteStatusEvent,
  sleepSite,
  startInstance,
  wakeSite,
} from "#contract/internal/orchestrator.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import {
  clientOf,
  makeOrchestratorHome,
  type OrchestratorHome,
  type OrchestratorUnderTest,
  specOf,
  startOrchestratorUnderTest,
} from "../support/orchestrator-under-test.ts";

const patience = { timeout: 20_000 };

let home: OrchestratorHome;
let orchestrator: OrchestratorUnderTest;

beforeEach(async () => {
  home = await makeOrchestratorHome({ BACKLOT_SITE_BOOT_MS: "300" });
  orchestrator = await startOrchestratorUnderTest(home);
});
afterEach(async () => {
  await orchestrator[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

/** Applies a site and gives it a program. */
async function hold(siteId: number, given: Partial<SiteSpec> = {}): Promise<{ params: { siteId: number } }> {
  await orchestrator.client.call(applySite, { params: { siteId }, body: specOf(siteId, given) });
  await writeFile(join(home.folderOf(siteId), "run.sh"), "exec a-server\n");
  return { params: { siteId } };
}

async function restart(): Promise<void> {
  await orchestrator[Symbol.asyncDispose]();
  orchestrator = await startOrchestratorUnderTest(home);
}

describe("holding sites", () => {
  it("makes a site's folders, and again what is missing", async () => {
    const site = await hold(1_234);
    const folder = join(home.data, "sites/12/34");
    expect((await readdir(folder)).toSorted()).toEqual([".home", "private", "public", "run.sh"]);
    for (const name of [".home", "private", "public"]) expect((await lstat(join(folder, name))).mode & 0o777).toBe(0o770);
    await rm(join(folder, "public"), { recursive: true });
    await orchestrator.client.call(applySite, { ...site, body: specOf(1_234) });
    expect((await lstat(join(folder, "public"))).isDirectory()).toBe(true);
  });

  it("does not follow what a site has put in a folder's place", async () => {
    await hold(1);
    const outside = join(home.data, "outside");
    await mkdir(outside, { mode: 0o700 });
    for (const name of ["public", ".home"]) await rm(join(home.folderOf(1), name), { recursive: true });
    await symlink(outside, join(home.folderOf(1), "public"));
    await writeFile(join(home.folderOf(1), ".home"), "a file");
    await orchestrator.client.call(applySite, { params: { siteId: 1 }, body: specOf(1, { revision: 2 }) });
    expect((await lstat(outside)).mode & 0o777).toBe(0o700);
    expect((await lstat(join(home.folderOf(1), "public"))).isSymbolicLink()).toBe(true);
  });

  it("keeps the newest specification, whatever order they come in", async () => {
    for (const revision of [3, 1, 2]) await orchestrator.client.call(applySite, { params: { siteId: 1 }, body: specOf(1, { revision }) });
    await restart();
    expect(await orchestrator.client.call(listHeldSites, {})).toEqual({
      sites: [{ siteId: 1, revision: 3, status: { state: "asleep", reason: null, since: expect.any(String) } }],
    });
  });

  it("refuses a specification that is another site's", async () => {
    await expect(orchestrator.client.call(applySite, { params: { siteId: 2 }, body: specOf(1) })).rejects.toMatchObject({ code: "input_invalid" });
    expect((await orchestrator.client.call(listHeldSites, {})).sites).toEqual([]);
  });

  it("removes everything of a site, and again without complaint", async () => {
    const site = await hold(1);
    await orchestrator.client.call(wakeSite, site);
    orchestrator.runtime.latest.print("hello\n");
    await orchestrator.client.call(removeSite, site);
    await orchestrator.client.call(removeSite, site);
    await orchestrator.client.call(removeSite, { params: { siteId: 99 } });
    expect(orchestrator.runtime.running).toEqual([]);
    expect(await readdir(join(home.data, "sites/00"))).toEqual([]);
    for (const folder of ["specs", "logs", "trash"]) expect([folder, await readdir(join(home.data, "orchestrator", folder))]).toEqual([folder, []]);
    await restart();
    expect((await orchestrator.client.call(listHeldSites, {})).sites).toEqual([]);
  });

  it("knows no site that does not exist", async () => {
    const site = { params: { siteId: 5 } };
    const calls = await Promise.allSettled([
      orchestrator.client.call(wakeSite, site),
      orchestrator.client.call(sleepSite, { ...site, body: {} }),
      orchestrator.client.call(readSiteStatus, site),
      orchestrator.client.call(startInstance, { params: { siteId: 5, instance: "op-1" } }),
      orchestrator.client.call(retireInstances, site),
      orchestrator.client.fetch(readSiteLogs, site),
    ]);
    for (const call of calls) expect(call).toMatchObject({ status: "rejected", reason: { code: "site_not_found", status: 404 } });
    expect(orchestrator.runtime.started).toEqual([]);
  });

  it("says what this machine can do", async () => {
    const capabilities = await orchestrator.client.call(readCapabilities, {});
    expect(capabilities).toMatchObject({ isolates: true, missing: [], interpreters: { node: "24.0.0" } });
    expect(capabilities.starters.map(({ name, kind, needs }) => [name, kind, needs])).toEqual([
      ["node", "dynamic", ["node"]],
      ["python", "dynamic", ["python3"]],
      ["static", "static", []],
    ]);
  });

  it("is ready once its doors are open", async () => {
    expect((await fetch(`${orchestrator.url}/readyz`)).status).toBe(200);
  });
});

describe("running sites", () => {
  it("starts a site once for two hundred requests", async () => {
    const site = await hold(1);
    const router = clientOf(home, orchestrator.url, "router");
    const all = await Promise.all(Array.from({ length: 200 }, () => router.call(wakeSite, site)));
    expect(orchestrator.runtime.started).toHaveLength(1);
    expect(new Set(all.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(await orchestrator.client.call(readSiteStatus, site)).toMatchObject({ state: "running", reason: null });
  });

  it("sleeps, restarts and retires as it is told", async () => {
    const site = await hold(1);
    const { instance } = await orchestrator.client.call(wakeSite, site);
    const second = await orchestrator.client.call(startInstance, { params: { siteId: 1, instance: "op-9" } });
    expect(second.instance).toBe("op-9");
    expect(orchestrator.runtime.running).toHaveLength(2);
    await orchestrator.client.call(retireInstances, site);
    expect((await orchestrator.client.call(sleepSite, { ...site, body: { instance } })).status.state).toBe("running");
    expect((await orchestrator.client.call(sleepSite, { ...site, body: { instance: "op-9" } })).status.state).toBe("asleep");
    expect(orchestrator.runtime.running).toEqual([]);
  });

  it("lets a visitor wait out a back-off, but not a person who asks", async () => {
    const site = await hold(1);
    orchestrator.runtime.script = (program) => program.exit();
    const router = clientOf(home, orchestrator.url, "router");
    await expect(router.call(wakeSite, site)).rejects.toMatchObject({ code: "site_crashed" });
    await expect(router.call(wakeSite, site)).rejects.toMatchObject({ code: "site_crashed", details: { reason: "exited 1" } });
    orchestrator.runtime.script = (program) => program.listen();
    await orchestrator.client.call(wakeSite, site);
    expect(await orchestrator.client.call(readSiteStatus, site)).toMatchObject({ state: "running", reason: null });
  });

  it("stops a site that is no longer served, and refuses to wake it, also after a restart", async () => {
    const site = await hold(1);
    await orchestrator.client.call(wakeSite, site);
    await orchestrator.client.call(applySite, { ...site, body: specOf(1, { revision: 2, availability: "not-served" }) });
    expect(orchestrator.runtime.running).toEqual([]);
    await expect(orchestrator.client.call(wakeSite, site)).rejects.toMatchObject({ code: "site_not_served" });
    await restart();
    await expect(orchestrator.client.call(wakeSite, site)).rejects.toMatchObject({ code: "site_not_served" });
    expect((await orchestrator.client.call(readSiteStatus, site)).state).toBe("not-served");
  });

  it("does not wake a site that is being removed", async () => {
    const site = await hold(1);
    await orchestrator.client.call(wakeSite, site);
    const removed = orchestrator.client.call(removeSite, site);
    const woken = await Promise.allSettled(Array.from({ length: 50 }, () => orchestrator.client.call(wakeSite, site)));
    await removed;
    expect(orchestrator.runtime.started).toHaveLength(1);
    expect(woken.some((each) => each.status === "rejected")).toBe(true);
    expect(orchestrator.runtime.running).toEqual([]);
  });

  it("wakes sites from what it remembers, without the manager", async () => {
    const site = await hold(1, { environment: { TOKEN: "t" } });
    await restart();
    await clientOf(home, orchestrator.url, "router").call(wakeSite, site);
    expect(orchestrator.runtime.latest.request.spec).toEqual(specOf(1, { environment: { TOKEN: "t" } }));
  });

  it("gives programs a second at most when it has to end itself", async () => {
    const site = await hold(1);
    await orchestrator.client.call(wakeSite, site);
    const program = orchestrator.runtime.latest;
    await restart();
    expect(program.graceMs).toBe(1_000);
  });

  it("does not start more programs at once than it may", async () => {
    orchestrator.runtime.script = () => undefined;
    const sites = await Promise.all(Array.from({ length: 20 }, (_, index) => hold(index + 1)));
    const waking = Promise.allSettled(sites.map((site) => orchestrator.client.call(wakeSite, site)));
    await vi.waitFor(() => expect(orchestrator.runtime.running).toHaveLength(8), patience);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(orchestrator.runtime.running).toHaveLength(8);
    orchestrator.runtime.script = (program) => program.listen();
    for (const program of orchestrator.runtime.running) program.listen();
    expect((await waking).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => "fulfilled"));
  });
});

describe("following statuses", () => {
  async function* statuses(signal: AbortSignal) {
    const response = await orchestrator.client.fetch(followStatuses, { signal });
    if (response.body === null) throw new Error("there is no stream");
    for await (const { data } of readEvents(response.body)) {
      const { siteId, status } = siteStatusEvent.parse(JSON.parse(data));
      yield [siteId, status.state];
    }
  }

  it("begins with what is not at rest and goes on with every change", async () => {
    const [awake] = [await hold(1), await hold(2), await hold(3, { kind: "static" })];
    await orchestrator.client.call(wakeSite, awake);
    const leave = new AbortController();
    const reader = statuses(leave.signal);
    expect((await reader.next()).value).toEqual([1, "running"]);
    await orchestrator.client.call(sleepSite, { ...awake, body: {} });
    expect((await reader.next()).value).toEqual([1, "stopping"]);
    expect((await reader.next()).value).toEqual([1, "asleep"]);
    leave.abort();
  });

  it("ends within two seconds when the access is withdrawn", async () => {
    const response = await clientOf(home, orchestrator.url).on({ user: 3, userEpoch: 1 }).fetch(followStatuses, {});
    const ended = response.text();
    const at = Date.now();
    await orchestrator.client.call(pushEpochs, { body: { sites: [], users: [[3, 2]] } });
    await ended;
    expect(Date.now() - at).toBeLessThan(2_000);
  });
});

describe("reading logs", () => {
  const linesOf = (text: string): string[] =>
    text
      .trim()
      .split("\n")
      .map((line) => logLine.parse(JSON.parse(line)))
      .map(({ stream, line }) => `${stream}: ${line}`);

  it("gives what the program and Backlot have said, also before a restart", async () => {
    const site = await hold(1);
    await orchestrator.client.call(wakeSite, site);
    orchestrator.runtime.latest.print("hello\nwor");
    orchestrator.runtime.latest.print("oops\n", "stderr");
    orchestrator.runtime.latest.print("ld\n");
    await restart();
    const lines = linesOf(await (await orchestrator.client.fetch(readSiteLogs, site)).text());
    expect(lines).toEqual([
      expect.stringMatching(/^platform: run.sh listens after \d+ ms$/),
      "stdout: hello",
      "stderr: oops",
      "stdout: world",
      "platform: run.sh was stopped",
    ]);
    const tail = await orchestrator.client.fetch(readSiteLogs, { ...site, query: { tail: 1 } });
    expect(tail.headers.get("content-type")).toMatch(/^application\/x-ndjson/);
    expect(linesOf(await tail.text())).toEqual(["platform: run.sh was stopped"]);
  });

  it("follows the lines to come, and answers before there is one", async () => {
    const site = await hold(1);
    const leave = new AbortController();
    const response = await orchestrator.client.fetch(readSiteLogs, { ...site, query: { tail: 0, follow: true }, signal: leave.signal });
    const reader = response.body === null ? null : readLines(response.body);
    await orchestrator.client.call(wakeSite, site);
    orchestrator.runtime.latest.print("hello\n");
    expect(linesOf(String((await reader?.next())?.value))).toEqual([expect.stringMatching(/^platform: run.sh listens/)]);
    expect(linesOf(String((await reader?.next())?.value))).toEqual(["stdout: hello"]);
    leave.abort();
  });

  it.each([
    ["the access is withdrawn", () => orchestrator.client.call(pushEpochs, { body: { sites: [[1, 2]], users: [] } })],
    ["the site is removed", () => orchestrator.client.call(removeSite, { params: { siteId: 1 } })],
    ["the orchestrator stops", () => restart()],
  ])("stops following within two seconds when %s", async (_, end) => {
    const site = await hold(1);
    const client = orchestrator.client.on({ siteEpoch: 1 });
    const response = await client.fetch(readSiteLogs, { ...site, query: { tail: 0, follow: true } });
    const ended = response.text().catch(() => "");
    const at = Date.now();
    await end();
    await ended;
    expect(Date.now() - at).toBeLessThan(2_000);
  });

  it("keeps little for a follower that does not read, and goes on with the newest", async () => {
    const site = await hold(1);
    await orchestrator.client.call(wakeSite, site);
    const response = await orchestrator.client.fetch(readSiteLogs, { ...site, query: { tail: 0, follow: true } });
    const before = process.memoryUsage().heapUsed;
    const program = orchestrator.runtime.latest;
    // More than a socket's buffers hold; printed in pieces that its budget lets pass.
    for (let index = 0; index < 60; index += 1) program.print(`${index} ${"x".repeat(15_000)}\n`);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
    program.print("the last one\n");
    const lines: string[] = [];
    if (response.body === null) throw new Error("there is no stream");
    for await (const line of readLines(response.body)) {
      lines.push(line);
      if (line.includes("the last one")) break;
    }
    expect(lines.at(-1)).toContain("the last one");
  });
});
