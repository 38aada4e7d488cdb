// A terminal through the whole of it: a program in a sandbox, its keeper, the orchestrator's socket. Beside it the same without Backlot:
// node-pty in this process, which is what a web terminal usually is.
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { spawn } from "@lydell/node-pty";
import { applySite } from "#contract/internal/orchestrator.ts";
import { attachTerminal, openTerminal } from "#contract/internal/terminals.ts";
import { grantFor } from "#kit/component-client.ts";
import { openSocket } from "#kit/http/socket-client.ts";
import { silentLog } from "#kit/log.ts";
import { createProcessRuntime } from "#orchestrator/runtime/process/process-runtime.ts";
import { siteOwner } from "#orchestrator/runtime/process/site-owner.ts";
import { makeOrchestratorHome, type OrchestratorUnderTest, specOf, startOrchestratorUnderTest } from "../test/support/orchestrator-under-test.ts";
import { TerminalClient } from "../test/support/terminal-client.ts";
import { quantile, type Table } from "./support/table.ts";

const keys = 500;
const floodBytes = 100_000_000;
// Each line feed becomes two bytes on its way through a terminal.
const flood = `stty -echo; yes $(printf '%099d' 0) | head -c ${floodBytes}; echo; echo over`;
const flooded = (floodBytes / 100) * 101;
const manyTerminals = 8;

interface Shell {
  type(text: string): void;
  /** Calls back with each piece of output. */
  onOutput: (bytes: number, text: string) => void;
}

/** Milliseconds from a key to its letter. */
async function echoes(shell: Shell): Promise<readonly number[]> {
  const waits: number[] = [];
  for (let index = 0; index < keys; index += 1) {
    const typedAt = performance.now();
    const echoed = new Promise<void>((resolve) => {
      shell.onOutput = () => resolve();
    });
    shell.type(index % 60 === 59 ? "\u0015" : "x");
    await echoed;
    waits.push(performance.now() - typedAt);
  }
  return waits;
}

/** Megabytes a second of a flood. */
async function floodRate(shell: Shell): Promise<number> {
  let received = 0;
  const done = new Promise<void>((resolve) => {
    shell.onOutput = (bytes) => {
      received += bytes;
      if (received >= flooded) resolve();
    };
  });
  const beganAt = performance.now();
  shell.type(`\u0015${flood}\r`);
  await done;
  return received / 1e6 / ((performance.now() - beganAt) / 1000);
}

async function ready(shell: Shell): Promise<void> {
  await new Promise<void>((resolve) => {
    shell.onOutput = (_bytes, text) => text.includes("ready-1") && resolve();
    shell.type("PS1=; echo ready-$((0+1))\r");
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
}

async function openHere(orchestrator: OrchestratorUnderTest, home: Awaited<ReturnType<typeof makeOrchestratorHome>>): Promise<Shell> {
  const behalf = { user: 1, userEpoch: 1, siteEpoch: 1 };
  const { terminal } = await orchestrator.client.on(behalf).call(openTerminal, { params: { siteId: 7 }, body: { size: { cols: 80, rows: 24 } } });
  const link = { baseUrl: orchestrator.url, audience: "orchestrator", caller: "manager", signer: home.signer } as const;
  const at = { baseUrl: orchestrator.url, token: grantFor(link, behalf) };
  const client = new TerminalClient(await openSocket(at, attachTerminal, { params: { siteId: 7, terminal: terminal.id } }));
  client.keepsOutput = false;
  const shell: Shell = { type: (text) => client.type(text), onOutput: () => undefined };
  client.socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary) shell.onOutput(data.length - 1, data.subarray(1).toString("latin1"));
  });
  return shell;
}

function openPlain(): Shell & { end(): void } {
  const pty = spawn("/bin/bash", ["--norc"], { cols: 80, rows: 24, env: { TERM: "xterm", PATH: process.env.PATH ?? "" } });
  const shell = { type: (text: string) => pty.write(text), onOutput: (_bytes: number, _text: string) => undefined as unknown, end: () => pty.kill() };
  pty.onData((text) => shell.onOutput(text.length, text));
  return shell as Shell & { end(): void };
}

/** What a process and everything below it hold of their own, in MB. */
function memoryBelow(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  const own = Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) / 1024;
  return own + children.reduce((sum, child) => sum + memoryBelow(child), 0);
}

async function rowOf(name: string, shell: Shell): Promise<readonly string[]> {
  await ready(shell);
  const waits = await echoes(shell);
  const rate = await floodRate(shell);
  return [name, quantile(waits, 0.5).toFixed(2), quantile(waits, 0.99).toFixed(2), rate.toFixed(1)];
}

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  await using home = await makeOrchestratorHome({ BACKLOT_TERMINALS_PER_SITE: "64" });
  const runtime = createProcessRuntime({
    stateFolder: `${home.data}/runtime`,
    sitesFolder: `${home.data}/sites`,
    log: silentLog(),
    parkedLaunchers: 0,
    warmNetworks: 0,
    idleNurseries: 0,
  });
  await using orchestrator = await startOrchestratorUnderTest(home, { runtime, ownerOf: siteOwner });
  const spec = specOf(7);
  await orchestrator.client.call(applySite, { params: { siteId: 7 }, body: { ...spec, limits: { ...spec.limits, cpu: 2 } } });
  const first = await openHere(orchestrator, home);
  await ready(first);
  const before = memoryBelow(process.pid);
  const more = await Promise.all(Array.from({ length: manyTerminals }, () => openHere(orchestrator, home)));
  for (const shell of more) await ready(shell);
  const each = (memoryBelow(process.pid) - before) / manyTerminals;
  const rows = [await rowOf("Backlot: sandbox, keeper, WebSocket", first)];
  const plain = openPlain();
  rows.push(await rowOf("node-pty alone, in one process", plain));
  plain.end();
  return [["terminal", "echo p50 ms", "echo p99 ms", "cat of 100 MB, MB/s"], ...rows, [`each further terminal: ${each.toFixed(1)} MB`, "", "", ""]];
}
