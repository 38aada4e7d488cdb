import { randomInt } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSite, deleteSite, listSites, sleepSite } from "#contract/api/sites.ts";
import type { OperationView } from "#contract/api/views.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { memoryOf } from "../support/backlot-processes.ts";
import { titled, whyNotPython } from "../support/needs.ts";

const missing = whyNotPython();

let backlot: Backlot;
let admin: Person;

beforeAll(async () => {
  backlot = await startBacklot({ byNpm: true });
  admin = await backlot.admin();
});
afterAll(() => backlot?.[Symbol.asyncDispose]());

test.skipIf(missing !== null)(
  titled("fifty sites created at once all come to life", missing),
  async () => {
    const names = Array.from({ length: 50 }, (_, index) => `at-once-${index}`);
    await Promise.all(names.map((name, index) => admin.createSite(name, index % 2 === 0 ? "static" : "dynamic", index % 2 === 0 ? "static" : "python")));
    // A few at a time: booting 25 interpreters at once says more of the machine than of Backlot.
    await eachOf(names, 4, async (name) => expect([name, (await backlot.visit(name)).status]).toEqual([name, 200]));
  },
  240_000,
);

test.skipIf(missing !== null)(
  titled("a thousand sites are registered, 990 of them asleep, and a request wakes exactly the one that it is for", missing),
  async () => {
    // Of those made above 25 are dynamic, and ten static ones stay.
    const operations: OperationView[] = [];
    const statics = (await everySite()).filter(({ kind }) => kind === "static").slice(10);
    await eachOf(statics, 4, async ({ name }) => void operations.push((await admin.client.call(deleteSite, { params: { name } })).operation));
    const names = Array.from({ length: 965 }, (_, index) => `sleeper-${index}`);
    await eachOf(names, 16, async (name) => {
      operations.push((await admin.client.call(createSite, { body: { name, kind: "dynamic", starter: "python" } })).operation);
    });
    await eachOf(operations, 8, async (operation) => void (await admin.succeeded(operation)));
    const awake = (await everySite()).filter(holdsProgram).map(({ name }) => name);
    await eachOf(awake, 4, async (name) => {
      await admin.succeeded((await admin.client.call(sleepSite, { params: { name } })).operation);
    });
    const before = await everySite();
    expect(before).toHaveLength(1000);
    expect(before.filter(({ kind, state }) => kind === "dynamic" && state === "asleep")).toHaveLength(990);
    const visited = new Set(Array.from({ length: 40 }, () => names[randomInt(names.length)] ?? ""));
    await eachOf([...visited], 5, async (name) => {
      const answers = await Promise.all(Array.from({ length: 4 }, () => backlot.visit(name, "/time")));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    });
    const running = (await everySite()).filter(holdsProgram).map(({ name }) => name);
    expect(new Set(running)).toEqual(visited);
  },
  240_000,
);

test.skipIf(missing !== null)(titled("the platform with a thousand sites stays below one gigabyte", missing), () => {
  const own = backlot.processes().filter(({ command }) => !command.includes("python3") && !command.includes("bwrap"));
  const bytes = own.reduce((sum, { pid }) => sum + memoryOf(pid), 0);
  expect(bytes).toBeGreaterThan(50_000_000);
  expect(bytes).toBeLessThan(1_000_000_000);
});

/** Also one that stands still since nobody came for a minute. */
function holdsProgram({ kind, state }: { readonly kind: string; readonly state: string }): boolean {
  return kind === "dynamic" && (state === "running" || state === "frozen");
}

async function everySite() {
  const found = [];
  let cursor: string | undefined;
  do {
    const page = await admin.client.call(listSites, { query: { limit: 200, cursor, all: true } });
    found.push(...page.sites);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return found;
}

async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
