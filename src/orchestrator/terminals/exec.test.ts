import { afterEach, beforeEach, expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { listStaleAccess, renewAccess } from "#contract/internal/access.ts";
import { applySite, pushEpochs, removeSite } from "#contract/internal/orchestrator.ts";
import { runInSite } from "#contract/internal/terminals.ts";
import { type Behalf, grantFor } from "#kit/component-client.ts";
import { openSocket } from "#kit/http/socket-client.ts";
import {
  makeOrchestratorHome,
  type OrchestratorHome,
  type OrchestratorUnderTest,
  specOf,
  startOrchestratorUnderTest,
} from "../../../test/support/orchestrator-under-test.ts";
import type { ScriptedTerminal } from "../../../test/support/scripted-terminal.ts";
import { TerminalClient } from "../../../test/support/terminal-client.ts";

let home: OrchestratorHome;
let orchestrator: OrchestratorUnderTest;
beforeEach(async () => {
  home = await makeOrchestratorHome();
  orchestrator = await startOrchestratorUnderTest(home);
  await apply(7);
});
afterEach(async () => {
  await orchestrator[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const apply = (siteId: number, given: Parameters<typeof specOf>[1] = {}) =>
  orchestrator.client.call(applySite, { params: { siteId }, body: specOf(siteId, given) });

async function exec(siteId = 7, behalf: Behalf = { user: 3, userEpoch: 1, siteEpoch: 1 }): Promise<TerminalClient> {
  const link = { baseUrl: orchestrator.url, audience: "orchestrator", caller: "shell", signer: home.signer } as const;
  return new TerminalClient(await openSocket({ baseUrl: orchestrator.url, token: grantFor(link, behalf) }, runInSite, { params: { siteId } }));
}

async function entered(index = 0): Promise<ScriptedTerminal> {
  await expect.poll(() => orchestrator.runtime.entered[index]).toBeDefined();
  const found = orchestrator.runtime.entered[index];
  if (found === undefined) throw new Error("nobody has entered");
  return found;
}

test("a command gets its input and its end, and gives its output, its errors and its code", async () => {
  const client = await exec();
  client.start({ command: "sort", environment: { LANG: "C" } });
  // Right behind: nobody waits for an answer.
  client.type("b\na\n");
  client.order({ type: "eof" });
  const program = await entered();
  expect(program.request).toMatchObject({ command: "sort", size: null, environment: { LANG: "C" }, spec: { siteId: 7 } });
  await expect.poll(() => program.input.readableEnded).toBe(true);
  expect(program.typed).toBe("b\na\n");
  program.print("a\nb\n");
  program.print("odd\n", "stderr");
  program.exit({ code: 3 });
  expect(await client.event("exit")).toEqual({ type: "exit", code: 3, signal: null });
  expect([client.shown, client.complaints]).toEqual(["a\nb\n", "odd\n"]);
  expect(client.events[0]).toEqual({ type: "attached", offset: 0, skipped: false, end: 0 });
  await client.until(({ closedWith }) => closedWith === 1000);
});

test("a shell on a terminal hears of its size and of signals", async () => {
  const client = await exec();
  client.start({ size: { cols: 80, rows: 24 } });
  const program = await entered();
  client.order({ type: "resize", cols: 100, rows: 30 });
  client.order({ type: "signal", name: "INT" });
  await expect.poll(() => program.signals).toEqual(["INT"]);
  expect(program.sizes).toEqual([
    { cols: 80, rows: 24 },
    { cols: 100, rows: 30 },
  ]);
  program.exit({ signal: "SIGTERM" });
  expect(await client.event("exit")).toEqual({ type: "exit", code: null, signal: "SIGTERM" });
});

test("a program ends with its socket", async () => {
  const client = await exec();
  client.start({ command: "sleep 600" });
  const program = await entered();
  client.socket.terminate();
  await program.exited;
  expect(program.graces).toHaveLength(1);
});

test("what cannot be started is told with the words for people", async () => {
  orchestrator.runtime.refusal = new Failure("machine_full");
  const client = await exec();
  client.start({});
  expect(await client.event("failed")).toMatchObject({ code: "machine_full", title: new Failure("machine_full").message });
  await client.until(({ closedWith }) => closedWith === 1000);
});

test.each([
  ["input before the start", (client: TerminalClient) => client.type("hello")],
  ["an order that is none", (client: TerminalClient) => client.socket.send("{}")],
  ["a text that is no order", (client: TerminalClient) => client.socket.send("start please")],
  ["a channel that is none", (client: TerminalClient) => client.socket.send(Buffer.from([9, 9]))],
  ["an empty message", (client: TerminalClient) => client.socket.send(Buffer.alloc(0))],
  [
    "a second start",
    (client: TerminalClient) => {
      client.start({});
      client.start({});
    },
  ],
])("%s ends the socket", async (_what, act) => {
  const client = await exec();
  act(client);
  await client.until(({ closedWith }) => closedWith === 1008);
});

test("a site that is unknown or disabled is not entered, before anything is upgraded", async () => {
  await expect(exec(8)).rejects.toMatchObject({ code: "site_not_found" });
  await apply(7, { availability: "disabled", revision: 2 });
  await expect(exec(7)).rejects.toMatchObject({ code: "site_disabled" });
});

test.each([
  ["the site's epoch", { sites: [[7, 2]] as [number, number][], users: [] }],
  ["the person's epoch", { sites: [], users: [[3, 2]] as [number, number][] }],
])("%s ends it when it grows", async (_which, body) => {
  const client = await exec();
  client.start({ command: "sleep 600" });
  const program = await entered();
  await orchestrator.client.call(pushEpochs, { body });
  expect(await client.event("closed")).toEqual({ type: "closed", reason: "access_changed" });
  await program.exited;
});

test("it goes on when the site's epoch has grown and its person still may", async () => {
  const client = await exec();
  client.start({ command: "sleep 600" });
  const program = await entered();
  await orchestrator.client.call(pushEpochs, { body: { sites: [[7, 2]], users: [] } });
  const [renewal] = (await orchestrator.client.call(listStaleAccess, {})).stale.map((stale) => ({
    ...stale,
    siteEpoch: 2,
    userEpoch: 1,
    verbs: ["site.shell"],
  }));
  await orchestrator.client.call(renewAccess, { body: { renewals: renewal === undefined ? [] : [renewal] } });
  expect((await orchestrator.client.call(listStaleAccess, {})).stale).toEqual([]);
  client.type("still there");
  await expect.poll(() => program.typed).toBe("still there");
});

test("another site's and another person's epoch end nothing", async () => {
  const client = await exec();
  client.start({ command: "sleep 600" });
  const program = await entered();
  await orchestrator.client.call(pushEpochs, { body: { sites: [[8, 9]], users: [[4, 9]] } });
  client.type("still there");
  await expect.poll(() => program.typed).toBe("still there");
});

test("disabling or removing the site ends what runs in it", async () => {
  const first = await exec();
  first.start({ command: "a" });
  await entered();
  await apply(7, { availability: "disabled", revision: 2 });
  await first.event("closed");
  await apply(7, { revision: 3 });
  const second = await exec();
  second.start({ command: "b" });
  const program = await entered(1);
  await orchestrator.client.call(removeSite, { params: { siteId: 7 } });
  await second.event("closed");
  await program.exited;
});

test("whoever reads slowly holds back the program, not the memory", async () => {
  const client = await exec();
  client.start({ command: "yes" });
  const program = await entered();
  client.socket.pause();
  const piece = Buffer.alloc(64 * 1024, 121);
  let written = 0;
  while (written < 128 * 1024 * 1024 && program.print(piece)) {
    written += piece.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(written).toBeLessThan(32 * 1024 * 1024);
  client.keepsOutput = false;
  client.socket.resume();
  program.exit();
  await client.event("exit");
  expect(client.received).toBe(written + piece.length);
});
