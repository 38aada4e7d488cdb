import { expect, test } from "vitest";
import { ScriptedTerminal } from "../../../test/support/scripted-terminal.ts";
import type { TerminalLimits } from "./enter-site.ts";
import { HeldTerminal } from "./held-terminal.ts";

const minute = 60_000;
const limits: TerminalLimits = { idleMs: 30 * minute, mostMs: 120 * minute, perSite: 8, perPerson: 8, execPerSite: 8, scrollBackBytes: 1000 };
const begun = Date.parse("2026-11-22T10:00:00Z");

function held(limits: TerminalLimits): { readonly terminal: HeldTerminal; readonly program: ScriptedTerminal; setNow(ms: number): void } {
  let now = begun;
  const size = { cols: 80, rows: 24 };
  const program = new ScriptedTerminal({ size } as ScriptedTerminal["request"]);
  const terminal = new HeldTerminal({ id: "one", siteId: 7, userId: 3, program, size, clock: { now: () => now }, limits });
  return {
    terminal,
    program,
    setNow: (ms) => {
      now = begun + ms;
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
