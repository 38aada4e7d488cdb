import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { changePath } from "#contract/api/files.ts";
import { listNodes, type NodeView, updateNode } from "#contract/api/nodes.ts";
import { restartSite, updateSite } from "#contract/api/sites.ts";
import { createTask, readTask, type TaskView } from "#contract/api/tasks.ts";
import { siteFolder } from "#contract/site.ts";
import { isTaskEnded } from "#contract/task.ts";
import { type Backlot, prepareBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { type ExtraOrchestrator, planOrchestrator } from "../support/extra-orchestrator.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";
import { NodesPage } from "../support/nodes-page.ts";

const noBrowser = whyNoBrowser();
let backlot: Backlot;
let other: ExtraOrchestrator;
let admin: Person;
const names = ["one", "two", "three", "four"] as const;
const ids = new Map<string, number>();
/** Long enough for a machine ten times as slow. */
const patience = { timeout: 90_000, interval: 100 };
vi.setConfig({ testTimeout: 240_000 });

// Tells which program it is, and marks the site's folder as long as it runs: two at once would be seen.
const program = `import { createServer } from "node:http";
import { appendFileSync } from "node:fs";
appendFileSync("private/starts", process.env.PORT + "\\n");
createServer((request, response) => response.end("here")).listen(process.env.PORT, process.env.HOST);
`;

beforeAll(async () => {
  other = await planOrchestrator();
  backlot = await prepareBacklot({
    environment: {
      BACKLOT_ORCHESTRATOR_URLS: other.url,
      BACKLOT_NODE_BEAT_MS: "300",
      BACKLOT_NODE_LOST_MS: "3000",
      BACKLOT_RUN_LOST_SECONDS: "3",
    },
  });
  const { data } = backlot;
  // The same folder for both: what NFS is between machines.
  const environment = { ...backlot.environment(), BACKLOT_SHARED_FOLDER: data };
  backlot.environment = () => environment;
  await backlot.start();
  other.start(data);
  admin = await backlot.admin();
  await vi.waitFor(async () => expect((await orchestrators()).map(({ state }) => state)).toEqual(["up", "up"]), patience);
  for (const name of names) {
    const site = await admin.createSite(name, "dynamic");
    ids.set(name, site.id);
    await admin.put(name, "server.mjs", program);
    await admin.put(name, "run.sh", "#!/bin/sh\nexec node server.mjs\n");
    await admin.client.call(changePath, { params: { name, "*": "run.sh" }, body: { executable: true } });
  }
}, 400_000);
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await backlot[Symbol.asyncDispose]();
});

test("new sites are spread over the orchestrators, and each answers", async () => {
  expect((await orchestrators()).map(({ sites }) => sites)).toEqual([2, 2]);
  for (const name of names) expect(await backlot.visit(name)).toMatchObject({ status: 200, text: "here" });
  // Each process says so with its next heartbeat.
  await expect.poll(async () => (await nodes()).map(({ kind }) => kind), patience).toEqual(["orchestrator", "orchestrator", "router", "manager", "worker"]);
  const reports = async () => (await nodes()).flatMap(({ report }) => report ?? []).map(({ sharesFiles, running }) => ({ sharesFiles, running }));
  await expect.poll(reports, patience).toEqual([
    { sharesFiles: true, running: 2 },
    { sharesFiles: true, running: 2 },
  ]);
});

test("when one is killed its sites answer through the other, its operations end well and its tasks are lost, not run twice", async () => {
  const here = await sitesThere();
  expect(here).toHaveLength(2);
  const [first = ""] = here;
  await admin.put(first, "private/scripts/once.sh", "#!/bin/sh\necho run >> private/runs\nsleep 600\n");
  await admin.client.call(changePath, { params: { name: first, "*": "private/scripts/once.sh" }, body: { executable: true } });
  const { task } = await admin.client.call(createTask, { body: { script: "once.sh", site: first } });
  await expect.poll(async () => (await taskOf(task)).state, patience).toBe("running");
  await expect.poll(() => textIn(first, "private/runs"), patience).toBe("run\n");

  const { operation } = await admin.client.call(restartSite, { params: { name: first } });
  const killedAt = performance.now();
  await other.kill();
  const answered = await Promise.all(
    here.map(async (name) => {
      await expect.poll(async () => (await backlot.visit(name)).status, patience).toBe(200);
      return Math.round(performance.now() - killedAt);
    }),
  );
  process.stdout.write(`sites of a killed orchestrator answered again after ${answered.join(" ms, ")} ms\n`);
  expect((await orchestrators()).map(({ state, sites }) => ({ state, sites }))).toEqual([
    { state: "up", sites: 4 },
    { state: "lost", sites: 0 },
  ]);
  expect((await admin.ended(operation)).state).toBe("succeeded");
  await expect.poll(async () => isTaskEnded((await taskOf(task)).state), patience).toBe(true);
  expect((await taskOf(task)).state).toBe("lost");
  expect(await textIn(first, "private/runs")).toBe("run\n");
});

test("one that comes back holds none of them, and draining moves sites to it without a failed request", async () => {
  other.start(backlot.data);
  await expect.poll(async () => (await orchestrators()).map(({ state }) => state), patience).toEqual(["up", "up"]);
  const [home] = await orchestrators();
  for (const name of names) await admin.client.call(updateSite, { params: { name }, body: { settings: { idleSeconds: null } } });
  for (const name of names) expect((await backlot.visit(name)).status).toBe(200);
  let isOver = false;
  const failed: string[] = [];
  let count = 0;
  const visitors = names.map(async (name) => {
    while (!isOver) {
      const { status } = await backlot.visit(name);
      count += 1;
      if (status !== 200) failed.push(`${name} ${status}`);
    }
  });
  const { node } = await admin.client.call(updateNode, { params: { id: home?.id ?? "" }, body: { drained: true } });
  expect(node).toMatchObject({ isDrained: true, state: "draining" });
  await expect.poll(async () => (await orchestrators()).map(({ state, sites }) => `${state} ${sites}`), patience).toEqual(["drained 0", "up 4"]);
  await expect.poll(async () => (await orchestrators()).map(({ report }) => report?.running), patience).toEqual([0, 4]);
  isOver = true;
  await Promise.all(visitors);
  expect({ failed, isBusy: count > 20 }).toEqual({ failed: [], isBusy: true });
  await admin.client.call(updateNode, { params: { id: home?.id ?? "" }, body: { drained: false } });
});

test("one that is only cut off ends its programs by itself when another has taken over", async () => {
  await expect.poll(async () => (await orchestrators())[1]?.report?.running, patience).toBe(4);
  // Stopped, it answers nobody; its programs go on, and write.
  other.send("SIGSTOP");
  await expect.poll(async () => (await orchestrators()).map(({ state, sites }) => `${state} ${sites}`), patience).toEqual(["up 4", "lost 0"]);
  for (const name of names) expect((await backlot.visit(name)).status).toBe(200);
  other.send("SIGCONT");
  await expect.poll(async () => (await orchestrators()).map(({ state }) => state), patience).toEqual(["up", "up"]);
  await expect.poll(async () => (await orchestrators())[1]?.report?.running, patience).toBe(0);
  // Some visitors may have come to the old programs until then, without waking anything.
  for (const name of names) expect((await backlot.visit(name)).status).toBe(200);
  await expect.poll(async () => (await orchestrators())[0]?.report?.running, patience).toBe(4);
});

test.skipIf(noBrowser !== null)(
  titled("an administrator sees both machines with version, load and sites on the page of nodes, drains one there and sees it drained", noBrowser),
  async () => {
    const [home, away] = await orchestrators();
    const [here = "", there = ""] = [home?.url ?? "", away?.url ?? ""];
    await using page = await NodesPage.open(backlot);
    const shown = async () => [await page.machine(here), await page.machine(there)];
    const whole = (state: string, sites: string) =>
      expect.stringMatching(
        new RegExp(`^${state}$[^]*^Load\\s+\\d+\\.\\d\\d on \\d+ cores?\\b[^]*^Sites\\s+${sites}[^]*^Version ${home?.version} · heard of `, "m"),
      );
    await expect.poll(shown, patience).toEqual([whole("Up", "4 \\(4 running, 0 frozen\\)"), whole("Up", "0 \\(0 running, 0 frozen\\)")]);
    expect(await page.confirm(here, "Drain")).toMatch(/takes no new sites\. 4 sites move to other machines/);
    await expect.poll(shown, patience).toEqual([whole("Drained", "0 \\(0 running, 0 frozen\\)"), whole("Up", "4 \\(4 running, 0 frozen\\)")]);
    for (const name of names) expect((await backlot.visit(name)).status).toBe(200);
  },
  240_000,
);

async function nodes(): Promise<readonly NodeView[]> {
  return (await admin.client.call(listNodes, {})).nodes;
}

/** The first is the one that Backlot itself runs. */
async function orchestrators(): Promise<readonly NodeView[]> {
  const found = (await nodes()).filter(({ kind }) => kind === "orchestrator");
  return [...found].sort((a, b) => Number(a.url === other.url) - Number(b.url === other.url));
}

/** Names of the sites that the other one holds. */
async function sitesThere(): Promise<readonly string[]> {
  const specs = await readdir(join(other.data, "orchestrator/specs"));
  return names.filter((name) => specs.includes(`${ids.get(name)}.sealed`));
}

async function taskOf(task: TaskView): Promise<TaskView> {
  return (await admin.client.call(readTask, { params: { uid: task.uid } })).task;
}

async function textIn(site: string, path: string): Promise<string> {
  return readFile(join(backlot.data, "sites", siteFolder(ids.get(site) ?? 0), path), "utf8").catch(() => "");
}
