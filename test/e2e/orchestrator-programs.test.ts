import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  applySite,
  placeStarter,
  readCapabilities,
  readSiteLogs,
  readSiteStatus,
  retireInstances,
  sleepSite,
  startInstance,
  wakeSite,
} from "#contract/internal/orchestrator.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import type { SiteAddress, SiteSpec } from "#contract/site-spec.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { RunningService } from "#kit/lifecycle.ts";
import { silentLog } from "#kit/log.ts";
import { start } from "#orchestrator/start.ts";
import { processesWhere } from "../support/backlot-processes.ts";
import { titled, whyNoSandbox, whyNotPython } from "../support/needs.ts";
import { clientOf, makeOrchestratorHome, type OrchestratorHome, specOf } from "../support/orchestrator-under-test.ts";
import { fetchFrom } from "../support/site-visit.ts";

const missing = whyNoSandbox();

const bootMs = 8_000;
let home: OrchestratorHome;
let running: RunningService;
let manager: ComponentClient;
let router: ComponentClient;
let lastSite = 0;

beforeAll(async () => {
  home = await makeOrchestratorHome({ BACKLOT_SITE_BOOT_MS: String(bootMs), BACKLOT_SITE_GRACE_MS: "1000" });
  running = await start(home.environment, silentLog());
  const url = running.doors.orchestrator ?? "";
  manager = clientOf(home, url);
  router = clientOf(home, url, "router");
});
afterAll(async () => {
  await running.stop();
  await home[Symbol.asyncDispose]();
});

/** A new site with these files. */
async function site(files: Readonly<Record<string, string>>, given: Partial<SiteSpec> = {}): Promise<{ readonly params: { readonly siteId: number } }> {
  const siteId = ++lastSite;
  await manager.call(applySite, { params: { siteId }, body: specOf(siteId, { isTrusted: false, ...given }) });
  for (const [name, text] of Object.entries(files)) await writeFile(join(home.folderOf(siteId), name), text);
  return { params: { siteId } };
}

async function reasonOf(site: { readonly params: { readonly siteId: number } }, wanted: RegExp): Promise<void> {
  await vi.waitFor(
    async () => {
      const { state, reason } = await manager.call(readSiteStatus, site);
      expect(`${state}: ${reason}`).toMatch(wanted);
    },
    { timeout: 20_000, interval: 20 },
  );
}

/** What answers at an address that nothing should answer at: somebody beyond the machine's network may. */
async function textAt(address: SiteAddress): Promise<string> {
  return fetchFrom(address, "/").then(
    ({ text }) => text,
    () => "",
  );
}

const server = (more: string): string => `require("node:http").createServer((q, s) => { ${more} s.end("one") }).listen(process.env.PORT, process.env.HOST);\n`;

describe.skipIf(missing !== null)(titled("the starters", missing), () => {
  it.for([
    ["node", "Your Node server is running."],
    ["python", "Your Python app is running."],
  ] as const)("%s runs and answers", async ([starter, greeting], test) => {
    if (starter === "python" && whyNotPython() !== null) test.skip(whyNotPython() ?? "");
    const it = await site({});
    await manager.call(placeStarter, { ...it, body: { starter } });
    const { address } = await router.call(wakeSite, it);
    expect(await fetchFrom(address, "/")).toEqual({ status: 200, text: expect.stringContaining(greeting) });
    expect((await fetchFrom(address, "/nothing")).status).toBe(404);
    expect(JSON.parse((await fetchFrom(address, "/time")).text)).toEqual({ time: expect.any(String) });
    await vi.waitFor(async () => expect(await (await manager.fetch(readSiteLogs, it)).text()).toContain("Listening on"), { timeout: 5_000 });
    expect((await manager.call(sleepSite, { ...it, body: {} })).status.state).toBe("asleep");
    expect(await textAt(address)).not.toContain(greeting);
  });
});

describe.skipIf(missing !== null)(titled("a program", missing), () => {
  it("is started once for two hundred visitors", async () => {
    const it = await site({ "run.sh": "exec node only-once.js\n", "only-once.js": server("") });
    const all = await Promise.all(Array.from({ length: 200 }, () => router.call(wakeSite, it)));
    expect(new Set(all.map(({ instance }) => instance)).size).toBe(1);
    expect(processesWhere(({ command }) => /^\S*node only-once\.js$/.test(command))).toHaveLength(1);
  });

  it("that crashes is told why, in plain words", async () => {
    const it = await site({ "run.sh": "echo starting; exec node app.js\n", "app.js": "require('express');\n" });
    await expect(router.call(wakeSite, it)).rejects.toMatchObject({
      code: "site_crashed",
      message: expect.stringMatching(/^The site's program ended: exited 1; last line: Error: Cannot find module 'express'$/),
    });
    await reasonOf(it, /^crashed: exited 1 three times in \d+ s; last line: Error: Cannot find module 'express'$/);
    await expect(router.call(wakeSite, it)).rejects.toMatchObject({ code: "site_crashed" });
  });

  it.each([
    ["just ends", "echo done\n", /^crashed: run\.sh ended( twice in \d+ s)?: it must keep running; last line: done$/],
    ["is ended by a signal", "kill -SEGV $$\n", /^crashed: was ended by SIGSEGV/],
  ])("that %s is told so", async (_, script, reason) => {
    const it = await site({ "run.sh": script });
    await expect(router.call(wakeSite, it)).rejects.toMatchObject({ code: "site_crashed" });
    await reasonOf(it, reason);
  });

  it("that takes too much memory is told so", async (test) => {
    if (!(await manager.call(readCapabilities, {})).limits.memory) test.skip("control groups are not writable");
    const greedy = "if (q.url === '/eat') { const all = []; setInterval(() => all.push(Buffer.alloc(4_000_000, 1)), 5); }";
    const limits = { ...defaultSiteLimits, memoryBytes: 90_000_000 };
    const it = await site({ "run.sh": "exec node app.js\n", "app.js": server(greedy) }, { limits });
    const { address } = await router.call(wakeSite, it);
    await fetchFrom(address, "/eat").catch(() => undefined);
    await vi.waitFor(async () => expect(await (await manager.fetch(readSiteLogs, it)).text()).toContain("used more than its 90 MB of memory"), {
      timeout: 20_000,
      interval: 20,
    });
  });

  it("that listens elsewhere is told where", async () => {
    const it = await site({ "run.sh": "exec node app.js\n", "app.js": "require('node:http').createServer().listen(5000, '127.0.0.1');\n" });
    await expect(router.call(wakeSite, it)).rejects.toThrow(
      `Nothing listens on $PORT after ${bootMs / 1000} s: run.sh must listen on $HOST:$PORT (it listens on 127.0.0.1:5000).`,
    );
    await reasonOf(it, /^crashed: nothing listens on \$PORT after 8 s/);
  });

  it("is found in private and public too, and needs no executable bit", async () => {
    const it = await site({ "private/run.sh": "cd /site/private; exec node app.js\n", "private/app.js": server("") });
    const { address } = await router.call(wakeSite, it);
    expect((await fetchFrom(address, "/")).text).toBe("one");
  });
});

describe.skipIf(missing !== null)(titled("a restart", missing), () => {
  it("answers from the first instance until the second one does", async () => {
    const it = await site({ "run.sh": "exec node app.js\n", "app.js": server("") });
    const first = await router.call(wakeSite, it);
    await writeFile(join(home.folderOf(it.params.siteId), "app.js"), server("").replace("one", "two"));
    const answers: string[] = [];
    let isStarted = false;
    const visiting = (async () => {
      while (!isStarted) answers.push((await fetchFrom(first.address, "/")).text);
    })();
    const second = await manager.call(startInstance, { params: { ...it.params, instance: "op-1" } });
    isStarted = true;
    await visiting;
    expect(new Set(answers)).toEqual(new Set(["one"]));
    expect((await fetchFrom(second.address, "/")).text).toBe("two");
    expect((await router.call(wakeSite, it)).address).toEqual(second.address);
    await manager.call(retireInstances, it);
    expect(await textAt(first.address)).not.toContain("one");
    expect((await fetchFrom(second.address, "/")).text).toBe("two");
  });

  it("that fails leaves the site as it was", async () => {
    const it = await site({ "run.sh": "exec node app.js\n", "app.js": server("") });
    const first = await router.call(wakeSite, it);
    await writeFile(join(home.folderOf(it.params.siteId), "app.js"), "throw new Error('not today');\n");
    await expect(manager.call(startInstance, { params: { ...it.params, instance: "op-1" } })).rejects.toThrow("exited 1; last line: Error: not today");
    expect(await manager.call(readSiteStatus, it)).toMatchObject({ state: "running", reason: null });
    expect((await fetchFrom(first.address, "/")).text).toBe("one");
  });
});
