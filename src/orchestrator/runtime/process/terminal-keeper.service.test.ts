import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import type { ProcessId } from "./process-table.ts";
import { TerminalKeeper } from "./terminal-keeper.ts";

const size = { cols: 80, rows: 24 };

test("a terminal asked for in the moment in which the holder of terminals has died is opened by the next one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "backlot-keeper-"));
  const holders: (ProcessId | null)[] = [];
  const keeper = new TerminalKeeper({ folder: () => folder, log: pino({ level: "silent" }), onProcess: (process) => holders.push(process) });
  onTestFinished(async () => {
    await keeper.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await keeper.open(size);
  process.kill(holders[0]?.pid ?? 0, "SIGKILL");

  const [one, two] = await Promise.all([keeper.open(size), keeper.open(size)]);

  expect(one.path).toMatch(/^\/dev\/pts\//);
  expect(two.path).not.toBe(one.path);
  expect(holders.filter((holder) => holder !== null)).toHaveLength(2);
});

test("a holder that could not be started is tried again with the next terminal", async () => {
  const base = mkdtempSync(join(tmpdir(), "backlot-keeper-"));
  writeFileSync(join(base, "in the way"), "");
  let folder = join(base, "in the way", "below");
  const keeper = new TerminalKeeper({ folder: () => folder, log: pino({ level: "silent" }), onProcess: () => undefined });
  onTestFinished(async () => {
    await keeper.close();
    rmSync(base, { recursive: true, force: true });
  });
  await expect(keeper.open(size)).rejects.toThrow("ENOTDIR");
  folder = join(base, "free");
  expect((await keeper.open(size)).path).toMatch(/^\/dev\/pts\//);
});
