import { createHash, randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listSiteOperations, readOperation } from "#contract/api/operations.ts";
import { createSite, deploySite, listSites, readSite } from "#contract/api/sites.ts";
import type { OperationView } from "#contract/api/views.ts";
import { type Backlot, prepareBacklot, startBacklot } from "../support/backlot.ts";
import { packed } from "../support/backlot-archive.ts";
import type { Person } from "../support/backlot-person.ts";
import { killIfThere } from "../support/backlot-processes.ts";

/** Both kinds of kills, ten times each; `BACKLOT_KILL_ROUNDS` takes more. */
const rounds = Number(process.env.BACKLOT_KILL_ROUNDS ?? 20);

/** Everything that the server acknowledged, and that must therefore be there after any kill. */
interface Acknowledged {
  readonly sites: string[];
  readonly operations: OperationView[];
  /** Paths of files that were written once each. */
  readonly files: string[];
  /** The number last acknowledged in a file that is overwritten all the time. */
  counter: number;
  /** The number last sent. */
  sent: number;
}

let backlot: Backlot;
let admin: Person;
const known: Acknowledged = { sites: [], operations: [], files: [], counter: 0, sent: 0 };

beforeAll(async () => {
  // A worker that was killed holds its operations until their leases end: short ones, since twenty times ten seconds show no more.
  backlot = await startBacklot({ byNpm: true, environment: { BACKLOT_OPERATION_LEASE_SECONDS: "2" } });
  admin = await backlot.admin();
  await admin.createSite("writes", "static", "static");
  await admin.createSite("program", "dynamic", "node");
  await admin.createSite("deploys", "static");
  // The first kill may come before anything was acknowledged.
  await counter();
});
afterAll(() => backlot[Symbol.asyncDispose]());

test(
  `after ${rounds} kills in the middle of creates, deploys and writes everything acknowledged is there, every operation of every site has ended and no orphan is left`,
  async () => {
    for (let round = 0; round < rounds; round++) {
      await workUntilKilled(round);
      await backlot.noneLeft(60_000);
      await backlot.start();
      for (const operation of known.operations.splice(0)) expect(await admin.ended(operation)).toMatchObject({ state: "succeeded" });
      const names = await sitesOf(round);
      for (const name of [...names, "deploys", "writes", "program"]) await unansweredEnded(name);
      for (const name of names) if (!known.sites.includes(name)) expect((await backlot.visit(name)).status).toBe(200);
      await checkRound();
      await checkFiles(known.files.slice(-10));
    }
    await checkFiles(known.files);
    for (const name of known.sites) {
      expect((await admin.client.call(readSite, { params: { name } })).site).toMatchObject({ name });
      expect((await backlot.visit(name)).status).toBe(200);
    }
    expect(known.sites.length + known.files.length).toBeGreaterThan(rounds / 2);
  },
  60_000 + rounds * 120_000,
);

test("kills during the very first start leave a folder that the next start finishes", async () => {
  const fresh = await prepareBacklot();
  try {
    for (const afterMs of [60, 400, 700, 1300]) {
      fresh.spawn();
      await delay(afterMs + randomInt(100));
      await fresh.kill();
      await fresh.noneLeft(60_000);
    }
    await fresh.start();
    await (await fresh.admin()).createSite("first", "static", "static");
    expect((await fresh.visit("first")).status).toBe(200);
  } finally {
    await fresh[Symbol.asyncDispose]();
  }
}, 400_000);

async function workUntilKilled(round: number): Promise<void> {
  const killed = new AbortController();
  const workers = Promise.all([creator(round), deployer(round), writer(round), counter, visitor].map((work) => untilKilled(work, killed.signal)));
  const before = known.sites.length + known.files.length;
  const moment = async (): Promise<void> => {
    await delay(randomInt(500));
    // Every fourth kill may come before anything was acknowledged; for the others a busy machine gets its time.
    while (round % 4 !== 0 && known.sites.length + known.files.length === before && !killed.signal.aborted) await delay(10);
  };
  // An error before the kill must not wait for it.
  await Promise.race([moment(), workers]);
  const all = backlot.processes();
  killed.abort();
  // Half the times only the first process, which must take the others with it; half the times all of them at one blow.
  if (round % 2 === 1) for (const { pid } of all) killIfThere(pid);
  await backlot.kill();
  await workers;
}

/** Repeats a piece of work until the kill. Before it nothing may fail; whatever got no answer then was not acknowledged. */
async function untilKilled(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

function creator(round: number): () => Promise<void> {
  let count = 0;
  return async () => {
    const name = `made-${round}-${count++}`;
    const kind = count % 3 === 2 ? "dynamic" : "static";
    const { operation } = await admin.client.call(createSite, { body: { name, kind, starter: kind === "dynamic" ? "node" : "static" } });
    known.sites.push(name);
    known.operations.push(operation);
    if (count % 3 === 0) await endedHere(operation);
  };
}

function deployer(round: number): () => Promise<void> {
  let count = 0;
  return async () => {
    const marker = `${round}-${count++}`;
    const files = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`public/deployed/${index}.txt`, `${marker} ${index}`]));
    const { operation } = await admin.client.call(deploySite, { params: { name: "deploys" }, body: new Uint8Array(await packed(files)) });
    known.operations.push(operation);
    await endedHere(operation);
  };
}

function writer(round: number): () => Promise<void> {
  let count = 0;
  return async () => {
    const path = `public/${round}/${count++}.txt`;
    await admin.put("writes", path, contentOf(path));
    known.files.push(path);
  };
}

async function counter(): Promise<void> {
  known.sent += 1;
  await admin.put("writes", "public/counter.txt", `${known.sent}`.repeat(1000));
  known.counter = known.sent;
}

async function visitor(): Promise<void> {
  await backlot.visit("program");
}

/** Without the patience of `Person.ended`: here a server that is away ends the work. */
async function endedHere(operation: OperationView): Promise<void> {
  let { state } = operation;
  while (state === "queued" || state === "running") {
    await delay(20);
    state = (await admin.client.call(readOperation, { params: { id: operation.id } })).operation.state;
  }
}

/** Every site that the round has made, whether anybody was told or not. */
async function sitesOf(round: number): Promise<readonly string[]> {
  const { sites } = await admin.client.call(listSites, { query: { search: `made-${round}-`, limit: 200, all: true } });
  return sites.map(({ name }) => name);
}

/** The kill may have come between the row of an operation and its answer: nobody was told of it, and it is carried out all the same. */
async function unansweredEnded(name: string): Promise<void> {
  const { operations } = await admin.client.call(listSiteOperations, { params: { name } });
  for (const operation of operations) expect(await admin.ended(operation)).toMatchObject({ state: "succeeded" });
}

/** Up to 40 kB that follow from the path, so that nothing has to be remembered. */
function contentOf(path: string): string {
  const seed = createHash("sha256").update(path).digest("hex");
  return seed.repeat(1 + (Number.parseInt(seed.slice(0, 4), 16) % 600));
}

async function checkFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) expect((await admin.get("writes", path)).toString()).toBe(contentOf(path));
}

async function checkRound(): Promise<void> {
  const text = (await admin.get("writes", "public/counter.txt")).toString();
  // Whole, and not older than what was acknowledged.
  const candidates = Array.from({ length: known.sent - known.counter + 1 }, (_, index) => `${known.counter + index}`.repeat(1000));
  expect(candidates).toContain(text);
  // All or nothing: the twenty files are of one deployment.
  const markers = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => (await backlot.visit("deploys", `/deployed/${index}.txt`)).text.replace(` ${index}`, "")),
  );
  expect(new Set(markers).size).toBe(1);
  expect((await backlot.visit("program")).status).toBe(200);
}
