import { EventEmitter } from "node:events";
import { expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { applySite } from "#contract/internal/orchestrator.ts";
import { attachTerminal, openTerminal } from "#contract/internal/terminals.ts";
import { terminalFrame } from "#contract/terminal.ts";
import { grantFor } from "#kit/component-client.ts";
import { openSocket } from "#kit/http/socket-client.ts";
import { makeOrchestratorHome, specOf, startOrchestratorUnderTest } from "../../../test/support/orchestrator-under-test.ts";
import { ScriptedTerminal } from "../../../test/support/scripted-terminal.ts";
import { letPass, setClock } from "../../../test/support/set-clock.ts";
import { TerminalClient } from "../../../test/support/terminal-client.ts";
import type { TerminalLimits } from "./enter-site.ts";
import { HeldTerminal } from "./held-terminal.ts";

const minute = 60_000;
const limits: TerminalLimits = { idleMs: 30 * minute, mostMs: 120 * minute, perSite: 8, perPerson: 8, execPerSite: 8, scrollBackBytes: 1000 };
/** By a clock that nobody sets: what it shows means nothing. */
const begun = 7_000;

function held(limits: TerminalLimits): {
  readonly terminal: HeldTerminal;
  readonly program: ScriptedTerminal;
  setNow(ms: number): void;
  setClock(moment: string): void;
} {
  let now = begun;
  let wall = Date.parse("2026-11-22T10:00:00Z");
  const size = { cols: 80, rows: 24 };
  const program = new ScriptedTerminal({ size } as ScriptedTerminal["request"]);
  const terminal = new HeldTerminal({
    id: "one",
    siteId: 7,
    userId: 3,
    program,
    size,
    clock: { now: () => wall },
    steady: { now: () => now, isSteady: true },
    limits,
  });
  return {
    terminal,
    program,
    setNow: (ms) => {
      now = begun + ms;
    },
    setClock: (moment) => {
      wall = Date.parse(moment);
    },
  };
}

test("a terminal that nobody has used for too long is closed, whatever it printed meanwhile", async () => {
  const { terminal, program, setNow } = held(limits);
  terminal.look(begun + 29 * minute);
  expect(program.graces).toEqual([]);
  setNow(29 * minute);
  program.print("for nobody");
  // What was printed comes through a stream.
  await new Promise((resolve) => setImmediate(resolve));
  terminal.look(begun + 31 * minute);
  expect(program.graces).toEqual([1000]);
  await terminal.ended;
});

test("a terminal that has been open for too long is closed although it is not idle", async () => {
  const { terminal, program } = held({ ...limits, idleMs: 600 * minute });
  terminal.look(begun + 119 * minute);
  expect(program.graces).toEqual([]);
  terminal.look(begun + 121 * minute);
  expect(program.graces).toEqual([1000]);
  await terminal.ended;
});

test("when a terminal was opened and used is told by the machine's clock", async () => {
  const { terminal, program, setClock } = held(limits);
  const nothing = (): void => undefined;
  const socket = Object.assign(new EventEmitter(), { send: nothing, resume: nothing, pause: nothing, close: nothing });
  // Of a socket only these are used.
  terminal.attach(socket as unknown as WebSocket, 0);
  setClock("2026-11-22T08:30:00Z");
  socket.emit("message", Buffer.from(terminalFrame("data", Buffer.from("ls"))), true);
  expect(terminal.view).toMatchObject({ startedAt: "2026-11-22T10:00:00.000Z", usedAt: "2026-11-22T08:30:00.000Z" });
  terminal.look(begun + 1);
  expect(program.graces).toEqual([]);
  await terminal.close("closed");
});

test("whoever looks at a terminal past BACKLOT_TERMINAL_HOURS is told so over its socket, and its program ends", async () => {
  // 36 seconds.
  await using home = await makeOrchestratorHome({ BACKLOT_TERMINAL_HOURS: "0.01" });
  await using orchestrator = await startOrchestratorUnderTest(home);
  await orchestrator.client.call(applySite, { params: { siteId: 7 }, body: specOf(7) });
  const ann = { user: 3, userEpoch: 1, siteEpoch: 1 };
  const body = { size: { cols: 80, rows: 24 } };
  const { terminal } = await orchestrator.client.on(ann).call(openTerminal, { params: { siteId: 7 }, body });
  const token = grantFor({ baseUrl: orchestrator.url, audience: "orchestrator", caller: "manager", signer: home.signer }, ann);
  const socket = await openSocket({ baseUrl: orchestrator.url, token }, attachTerminal, { params: { siteId: 7, terminal: terminal.id }, query: { from: 0 } });
  const client = new TerminalClient(socket);
  await client.event("attached");
  const [program] = orchestrator.runtime.entered;
  try {
    // It has been open for as long as it has, whatever somebody sets the machine's clock to.
    setClock(-600 * minute);
    letPass(37_000);
    expect(await client.event("closed")).toEqual({ type: "closed", reason: "too_long" });
    expect(program?.isGone).toBe(true);
  } finally {
    vi.restoreAllMocks();
  }
});
