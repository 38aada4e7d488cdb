import { afterEach, beforeEach, expect, test } from "vitest";
import { listStaleAccess, renewAccess } from "#contract/internal/access.ts";
import { applySite, pushEpochs, removeSite } from "#contract/internal/orchestrator.ts";
import { attachTerminal, closeTerminal, listTerminals, openTerminal } from "#contract/internal/terminals.ts";
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
  home = await makeOrchestratorHome({ BACKLOT_TERMINALS_PER_SITE: "3" });
  orchestrator = await startOrchestratorUnderTest(home);
  await orchestrator.client.call(applySite, { params: { siteId: 7 }, body: specOf(7) });
});
afterEach(async () => {
  await orchestrator[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const ann: Behalf = { user: 3, userEpoch: 1, siteEpoch: 1 };
const bob: Behalf = { user: 4, userEpoch: 1, siteEpoch: 1 };
const size = { cols: 80, rows: 24 };

async function open(behalf = ann, siteId = 7): Promise<{ readonly id: string; readonly program: ScriptedTerminal }> {
  const { terminal } = await orchestrator.client.on(behalf).call(openTerminal, { params: { siteId }, body: { size } });
  const program = orchestrator.runtime.entered.at(-1);
  if (program === undefined) throw new Error("nobody has entered");
  return { id: terminal.id, program };
}

async function attach(id: string, given: { readonly from?: number; readonly behalf?: Behalf } = {}): Promise<TerminalClient> {
  const link = { baseUrl: orchestrator.url, audience: "orchestrator", caller: "manager", signer: home.signer } as const;
  const at = { baseUrl: orchestrator.url, token: grantFor(link, given.behalf ?? ann) };
  return new TerminalClient(await openSocket(at, attachTerminal, { params: { siteId: 7, terminal: id }, query: { from: given.from ?? 0 } }));
}

const list = async (behalf = ann) => (await orchestrator.client.on(behalf).call(listTerminals, { params: { siteId: 7 } })).terminals;

test("whoever comes back is shown what was shown, and goes on at the byte where they left", async () => {
  const { id, program } = await open();
  program.print("before anybody looked\r\n");
  const first = await attach(id);
  await first.until(({ shown }) => shown === "before anybody looked\r\n");
  first.type("ls\r");
  await expect.poll(() => program.typed).toBe("ls\r");
  first.socket.close();
  await expect.poll(async () => (await list())[0]?.isAttached).toBe(false);
  program.print("while nobody looked\r\n");
  const second = await attach(id);
  await second.until(({ shown }) => shown === "before anybody looked\r\nwhile nobody looked\r\n");
  expect(second.events).toEqual([{ type: "attached", offset: 0, skipped: false, end: 44 }]);
  const third = await attach(id, { from: first.received });
  await third.until(({ shown }) => shown === "while nobody looked\r\n");
  expect(third.events).toEqual([{ type: "attached", offset: 23, skipped: false, end: 44 }]);
  program.print("live");
  await Promise.all([second, third].map((client) => client.until(({ shown }) => shown.endsWith("live"))));
});

test("what nobody has looked at for long is dropped from its beginning, and said to be", async () => {
  const { id, program } = await open();
  const line = Buffer.alloc(64 * 1024, 46);
  for (let index = 0; index < 32; index += 1) if (!program.print(line)) await new Promise((resolve) => program.output.once("drain", resolve));
  const client = await attach(id, { from: 10 });
  const attached = await client.event("attached");
  expect(attached).toMatchObject({ skipped: true, end: 32 * line.length });
  expect(attached.end - attached.offset).toBeLessThanOrEqual(512 * 1024 + line.length);
  await client.until(({ received }) => received === attached.end - attached.offset);
});

test("a place that the terminal never reached is the beginning", async () => {
  const { id, program } = await open();
  program.print("hello");
  const client = await attach(id, { from: 99_999 });
  await client.until(({ shown }) => shown === "hello");
});

test("a terminal is listed with its size, its title and whether somebody looks", async () => {
  const { id, program } = await open();
  expect(await list()).toMatchObject([{ id, size, title: null, isAttached: false }]);
  const client = await attach(id);
  client.order({ type: "resize", cols: 120, rows: 40 });
  program.print("\u001b]0;~: vim\u0007");
  await expect.poll(() => list()).toMatchObject([{ id, size: { cols: 120, rows: 40 }, title: "~: vim", isAttached: true }]);
  expect(program.sizes.at(-1)).toEqual({ cols: 120, rows: 40 });
});

test("its program's end is told after the last of the output, and the terminal is gone", async () => {
  const { id, program } = await open();
  const client = await attach(id);
  program.print("bye\r\n");
  program.exit({ code: 3 });
  expect(await client.event("exit")).toEqual({ type: "exit", code: 3, signal: null });
  expect(client.shown).toBe("bye\r\n");
  await client.until(({ closedWith }) => closedWith === 1000);
  expect(await list()).toEqual([]);
  await expect(attach(id)).rejects.toMatchObject({ code: "terminal_not_found" });
});

test("closing one ends its programs; closing one that is gone is no failure", async () => {
  const { id, program } = await open();
  const client = await attach(id);
  for (let round = 0; round < 2; round += 1) await orchestrator.client.on(ann).call(closeTerminal, { params: { siteId: 7, terminal: id } });
  expect(program.isGone).toBe(true);
  expect(await client.event("closed")).toEqual({ type: "closed", reason: "closed" });
});

test("nobody sees, types into or closes another person's terminal, or one of another site", async () => {
  const { id, program } = await open();
  expect(await list(bob)).toEqual([]);
  await expect(attach(id, { behalf: bob })).rejects.toMatchObject({ code: "terminal_not_found" });
  await orchestrator.client.on(bob).call(closeTerminal, { params: { siteId: 7, terminal: id } });
  await orchestrator.client.on(ann).call(closeTerminal, { params: { siteId: 8, terminal: id } });
  expect(program.isGone).toBe(false);
});

test("a grant on nobody's behalf opens no terminal", async () => {
  await expect(orchestrator.client.call(openTerminal, { params: { siteId: 7 }, body: { size } })).rejects.toMatchObject({ code: "grant_refused" });
});

test("a site has so many terminals at most, also when they are opened at once", async () => {
  const opened = await Promise.allSettled(Array.from({ length: 5 }, () => open()));
  expect(opened.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
  await expect(open()).rejects.toMatchObject({ code: "terminal_limit_reached", details: { count: 3 } });
  orchestrator.runtime.entered[0]?.exit();
  await expect.poll(() => open().then(() => true)).toBe(true);
});

test.each([
  ["the site's epoch", { sites: [[7, 2]] as [number, number][], users: [] }],
  ["the person's epoch", { sites: [], users: [[3, 2]] as [number, number][] }],
])("%s ends it soon when it grows and nobody renews it, whether or not somebody looks", async (_which, body) => {
  const [seen, unseen] = [await open(), await open()];
  const client = await attach(seen.id);
  const at = performance.now();
  await orchestrator.client.call(pushEpochs, { body });
  expect(await client.event("closed")).toEqual({ type: "closed", reason: "access_changed" });
  await Promise.all([seen.program.exited, unseen.program.exited]);
  // A second and a half, and as long again for a busy machine.
  expect(performance.now() - at).toBeLessThan(5_000);
  expect(await list({ user: 3, userEpoch: 9, siteEpoch: 9 })).toEqual([]);
});

test("those who still may go on after somebody else's access has changed; the others end at once", async () => {
  const [hers, unseen, his] = [await open(), await open(), await open(bob)];
  const [ann1, bob1] = [await attach(hers.id), await attach(his.id, { behalf: bob })];
  await orchestrator.client.call(pushEpochs, { body: { sites: [[7, 2]], users: [] } });
  const { stale } = await orchestrator.client.call(listStaleAccess, {});
  expect(stale).toEqual([
    { site: 7, user: 3 },
    { site: 7, user: 4 },
  ]);
  const renewals = [
    { site: 7, user: 3, siteEpoch: 2, userEpoch: 1, verbs: ["site.read", "site.shell"] },
    { site: 7, user: 4, siteEpoch: 2, userEpoch: 1, verbs: ["site.read"] },
  ];
  await orchestrator.client.call(renewAccess, { body: { renewals } });
  expect(await bob1.event("closed")).toEqual({ type: "closed", reason: "access_changed" });
  await his.program.exited;
  expect((await orchestrator.client.call(listStaleAccess, {})).stale).toEqual([]);
  ann1.type("still here");
  await expect.poll(() => hers.program.typed).toBe("still here");
  expect([hers, unseen].map(({ program }) => program.isGone)).toEqual([false, false]);
  expect(await list({ ...ann, siteEpoch: 2 })).toHaveLength(2);
});

test("the site's end and the orchestrator's end it", async () => {
  const { id, program } = await open();
  const client = await attach(id);
  await orchestrator.client.call(removeSite, { params: { siteId: 7 } });
  expect(program.isGone).toBe(true);
  await client.event("closed");
  await orchestrator.client.call(applySite, { params: { siteId: 7 }, body: specOf(7) });
  const later = await open();
  const looking = await attach(later.id);
  await orchestrator[Symbol.asyncDispose]();
  expect(await looking.event("closed")).toEqual({ type: "closed", reason: "platform_stopping" });
  expect(later.program.isGone).toBe(true);
  orchestrator = await startOrchestratorUnderTest(home);
});

test("a page that says what it has taken is sent no more than a window beyond that", async () => {
  const { id, program } = await open();
  const page = await attach(id);
  page.keepsOutput = false;
  page.order({ type: "taken", offset: 0 });
  const piece = Buffer.alloc(64 * 1024, 46);
  let written = 0;
  while (written < 16 * 1024 * 1024 && program.print(piece)) {
    written += piece.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  written += piece.length;
  await expect.poll(() => page.received).toBeGreaterThanOrEqual(1024 * 1024);
  expect(page.received).toBeLessThan(1024 * 1024 + 2 * piece.length);
  const timer = setInterval(() => page.order({ type: "taken", offset: page.received }), 1);
  await page.until(({ received }) => received === written);
  clearInterval(timer);
});

test("a reader who takes nothing holds the program up only for others who look, and nothing piles up", async () => {
  const { id, program } = await open();
  const slow = await attach(id);
  await slow.event("attached");
  slow.socket.pause();
  const piece = Buffer.alloc(64 * 1024, 46);
  let written = 0;
  while (written < 128 * 1024 * 1024 && program.print(piece)) {
    written += piece.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(written).toBeLessThan(32 * 1024 * 1024);
  // Whoever goes lets the program go on.
  slow.socket.terminate();
  await expect.poll(() => program.output.writableLength).toBe(0);
});
