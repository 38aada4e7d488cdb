import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readStatus, restartSite, sleepSite, updateSite, wakeSite } from "#contract/api/sites.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { titled, whyNoSandbox } from "../support/needs.ts";

// Counts what it has answered: one that was started anew begins at 1.
const counter = `let asked = 0;
require("node:http").createServer((request, response) => response.end(String(++asked))).listen(process.env.PORT, process.env.HOST);`;
// Without a sandbox an ordinary user does not know all processes of a program, and freezes none.
const missing = whyNoSandbox();
const poll = { timeout: 40_000, interval: 50 };
let backlot: Backlot;
let ann: Person;

beforeAll(async () => {
  backlot = await startBacklot({ environment: { BACKLOT_ROUTER_FREEZE_SECONDS: "1", BACKLOT_REST_LOOK_MS: "100" } });
  ann = await backlot.addPerson("ann");
});
afterAll(() => backlot[Symbol.asyncDispose]());

async function site(name: string, more: { readonly idleSeconds?: number } = {}): Promise<void> {
  await ann.createSite(name, "dynamic");
  await ann.put(name, "server.js", counter);
  await ann.put(name, "run.sh", "#!/bin/sh\nexec node server.js\n");
  if (more.idleSeconds !== undefined) await ann.client.call(updateSite, { params: { name }, body: { settings: more } });
}

const stateOf = async (name: string) => (await ann.client.call(readStatus, { params: { name } })).state;
const ask = async (name: string) => {
  const { status, text } = await backlot.visit(name);
  return `${status} ${text}`;
};

test.skipIf(missing !== null)(titled("a site that nobody visits is frozen, and goes on where it was with the next visitor", missing), async () => {
  await site("still");
  expect(await ask("still")).toBe("200 1");
  await expect.poll(() => stateOf("still"), poll).toBe("frozen");
  expect(await ask("still")).toBe("200 2");
  await expect.poll(() => stateOf("still"), poll).toBe("running");
  await expect.poll(() => stateOf("still"), poll).toBe("frozen");
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask("still")));
  expect(answers.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))).toEqual(Array.from({ length: 30 }, (_, index) => `200 ${index + 3}`));
});

test.skipIf(missing !== null)(titled("a frozen site that nobody visits for longer is asleep, and starts anew", missing), async () => {
  await site("later", { idleSeconds: 10 });
  expect(await ask("later")).toBe("200 1");
  await expect.poll(() => stateOf("later"), poll).toBe("frozen");
  await expect.poll(() => stateOf("later"), poll).toBe("asleep");
  expect(await ask("later")).toBe("200 1");
});

describe.skipIf(missing !== null)(titled("a frozen site", missing), () => {
  test("goes on, sleeps and restarts as its owner says", async () => {
    await site("asked");
    const frozen = async () => {
      await ask("asked");
      await expect.poll(() => stateOf("asked"), poll).toBe("frozen");
    };
    await frozen();
    await ann.succeeded((await ann.client.call(wakeSite, { params: { name: "asked" } })).operation);
    expect(await stateOf("asked")).toBe("running");
    // Nobody came: it is frozen again, for the router was told of it.
    await expect.poll(() => stateOf("asked"), poll).toBe("frozen");
    expect(await ask("asked")).toBe("200 2");
    await frozen();
    await ann.succeeded((await ann.client.call(restartSite, { params: { name: "asked" } })).operation);
    expect(await ask("asked")).toBe("200 1");
    await frozen();
    await ann.succeeded((await ann.client.call(sleepSite, { params: { name: "asked" } })).operation);
    expect(await stateOf("asked")).toBe("asleep");
  });

  test.each(["router", "orchestrator"])("answers the next visitor after kill -9 of the %s", async (component) => {
    const name = `after-${component}`;
    await site(name);
    await ask(name);
    await expect.poll(() => stateOf(name), poll).toBe("frozen");
    const victim = backlot.processes().find(({ command }) => command.includes(`run ${component}`));
    if (victim === undefined) throw new Error(`there is no ${component}`);
    process.kill(victim.pid, "SIGKILL");
    await expect.poll(() => ask(name).catch(() => "away"), poll).toBe(component === "router" ? "200 2" : "200 1");
  });
});
