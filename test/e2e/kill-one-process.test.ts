import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addDatabase, changeDatabasePassword, deleteDatabase, readDatabase } from "#contract/api/database.ts";
import {
  createSite,
  deleteSite,
  deploySite,
  readEnvironment,
  readSite,
  readStatus,
  restartSite,
  sleepSite,
  updateSite,
  wakeSite,
  writeEnvironment,
} from "#contract/api/sites.ts";
import { operationKinds } from "#contract/api/views.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { packed } from "../support/backlot-archive.ts";
import type { Person } from "../support/backlot-person.ts";
import type { ProcessInfo } from "../support/backlot-processes.ts";
import { whyNotPython } from "../support/needs.ts";

/** Nothing here is measured, and the machine may be ten times slower than usual: what fails once is a finding, not a bad moment. */
const patience = { timeout: 60_000 };

let backlot: Backlot;
let admin: Person;

beforeAll(async () => {
  // Its operations wait until the lease of a worker that was killed has ended.
  backlot = await startBacklot({ environment: { BACKLOT_OPERATION_LEASE_SECONDS: "2" } });
  admin = await backlot.admin();
  await admin.createSite("still", "static", "static");
  await admin.createSite("moving", "dynamic", "node");
  expect((await backlot.visit("moving")).status).toBe(200);
});
afterAll(() => backlot[Symbol.asyncDispose]());

/** What visitors may notice when a process is killed: nothing, or a pause of seconds. */
const victims = [
  { name: "manager", marker: / run manager,worker/, static: "nothing", dynamic: "nothing" },
  { name: "orchestrator", marker: / run orchestrator/, static: "nothing", dynamic: "pause" },
  { name: "router", marker: / run router/, static: "pause", dynamic: "pause" },
  { name: "database", marker: /postgres .*-D /, static: "nothing", dynamic: "nothing" },
] as const;

test.for(victims)(
  "kill -9 of the $name: visitors of static sites notice $static, of dynamic ones $dynamic, and operations end",
  { timeout: 400_000 },
  async (victim) => {
    const stopping = new AbortController();
    const still = visitors("still", stopping.signal);
    const moving = visitors("moving", stopping.signal);
    const before = await started(victim.name);
    const target = processOf(victim.marker);
    process.kill(target.pid, "SIGKILL");
    for (const operation of before) expect(await admin.ended(operation)).toMatchObject({ state: "succeeded" });
    await admin.createSite(`after-${victim.name}`, "static", "static");
    await expect.poll(() => visitOrNothing(`after-${victim.name}`), patience).toBe(200);
    await expect.poll(() => visitOrNothing("moving"), patience).toBe(200);
    stopping.abort();
    const failed = { static: await still, dynamic: await moving };
    if (victim.static === "nothing") expect(failed.static).toEqual([]);
    if (victim.dynamic === "nothing") expect(failed.dynamic).toEqual([]);
    expect((await admin.client.call(readSite, { params: { name: `during-${victim.name}` } })).site.name).toBe(`during-${victim.name}`);
    expect(processOf(victim.marker).pid).not.toBe(target.pid);
  },
);

test("kill -9 of manager and worker at any moment of any kind of operation: everything ends as it was asked for", async () => {
  await Promise.all([admin.createSite("renamed-0", "static", "static"), admin.createSite("goes-0", "static", "static")]);
  await Promise.all([
    admin.createSite("deployed", "static", "static"),
    admin.createSite("resting", "dynamic", whyNotPython() === null ? "python" : "node"),
    admin.createSite("keeping", "dynamic"),
  ]);
  expect((await backlot.visit("resting", "/time")).status).toBe(200);
  const { call } = admin.client;
  const keeping = { params: { name: "keeping" } };
  const met = new Set<string>();
  for (const round of [0, 1, 2]) {
    const archive = new Uint8Array(await packed({ "public/index.html": `deployed in round ${round}` }));
    const asked = await Promise.all([
      call(createSite, { body: { name: `goes-${round + 1}`, kind: "static", starter: "static" } }),
      call(deleteSite, { params: { name: `goes-${round}` } }),
      call(updateSite, { params: { name: `renamed-${round}` }, body: { name: `renamed-${round + 1}` } }),
      call(deploySite, { params: { name: "deployed" }, body: archive }),
      call(restartSite, { params: { name: "moving" } }),
      call(writeEnvironment, { params: { name: "moving" }, body: { environment: { ROUND: `${round}` } } }),
      call(round % 2 === 0 ? sleepSite : wakeSite, { params: { name: "resting" } }),
      round === 0 ? call(addDatabase, keeping) : call(round === 1 ? changeDatabasePassword : deleteDatabase, keeping),
    ]);
    await delay(randomInt(250));
    process.kill(processOf(/ run manager,worker/).pid, "SIGKILL");
    for (const { operation } of asked) if (operation !== null) met.add((await admin.succeeded(operation)).kind);
    // The router hears of names when it hears of the manager again.
    await expect.poll(() => visitOrNothing(`goes-${round + 1}`), patience).toBe(200);
    await expect.poll(() => visitOrNothing(`goes-${round}`), patience).toBe(404);
    await expect.poll(() => visitOrNothing(`renamed-${round + 1}`), patience).toBe(200);
    expect((await backlot.visit("deployed")).text).toBe(`deployed in round ${round}`);
    expect((await backlot.visit("moving")).status).toBe(200);
    expect((await call(readEnvironment, { params: { name: "moving" } })).environment).toEqual({ ROUND: `${round}` });
    expect((await call(readStatus, { params: { name: "resting" } })).state).toBe(round % 2 === 0 ? "asleep" : "running");
    expect((await call(readDatabase, keeping)).database?.state).toBe(round === 2 ? undefined : "ready");
  }
  // A move takes a second machine: see src/worker/operations.service.test.ts.
  expect([...met, "move"].toSorted()).toEqual([...operationKinds].toSorted());
}, 400_000);

test("kill -9 of a site's program: requests start it again, and none is sent to anybody else meanwhile", { timeout: 120_000 }, async () => {
  expect((await backlot.visit("moving")).status).toBe(200);
  const program = backlot.processes().find(({ command }) => /node server\.js/.test(command) && !command.includes("bwrap"));
  expect(program).toBeDefined();
  process.kill(program?.pid ?? 0, "SIGKILL");
  const answers = new Map<string, number>();
  const answered = async (): Promise<string> => {
    const { status, headers, text } = await backlot.visit("moving");
    const kind = `${status} ${headers.server ?? ""} ${text.includes("Your Node server is running.") ? "the site" : text.slice(0, 40)}`;
    answers.set(kind, (answers.get(kind) ?? 0) + 1);
    return kind;
  };
  await expect.poll(answered, { ...patience, interval: 10 }).toBe("200  the site");
  // Its address belongs to nobody now: the machine must not look for it in the network outside.
  expect([...answers.keys()].filter((kind) => !kind.startsWith("200  the site") && !kind.startsWith('503  {"status":503,"code":"site_crashed"'))).toEqual([]);
});

test("when it is stopped in order no process is left", { timeout: 120_000 }, async () => {
  await backlot.stop();
  expect(backlot.processes()).toEqual([]);
});

/** One of each kind of operation, under way when the process is killed. */
async function started(name: string) {
  const made = await admin.client.call(createSite, { body: { name: `during-${name}`, kind: "static", starter: "static" } });
  const archive = new Uint8Array(await packed({ "public/index.html": `during ${name}` }));
  const deployed = await admin.client.call(deploySite, { params: { name: "still" }, body: archive });
  const restarted = await admin.client.call(restartSite, { params: { name: "moving" } });
  return [made.operation, deployed.operation, restarted.operation];
}

/** Visits a site again and again until told to stop, and says what went wrong. */
async function visitors(site: string, signal: AbortSignal): Promise<readonly string[]> {
  const failed: string[] = [];
  while (!signal.aborted) {
    const startedAt = Date.now();
    try {
      const { status, text } = await backlot.visit(site);
      if (status !== 200) failed.push(`${status} after ${Date.now() - startedAt} ms: ${text.slice(0, 300)}`);
    } catch (error) {
      failed.push(String(error));
    }
    await delay(20);
  }
  return failed;
}

async function visitOrNothing(site: string): Promise<number | undefined> {
  return backlot.visit(site).then(
    ({ status }) => status,
    () => undefined,
  );
}

/** The first process of its kind: the one whose parent is not of the same kind. */
function processOf(marker: RegExp): ProcessInfo {
  const kind = backlot.processes().filter(({ command }) => marker.test(command) && !command.includes("bwrap"));
  const first = kind.find(({ parent }) => !kind.some(({ pid }) => pid === parent));
  if (first === undefined) throw new Error(`no process ${marker} among ${JSON.stringify(backlot.processes(), null, 1)}`);
  return first;
}
