import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { endTree } from "./end-tree.ts";
import { childrenOf, identify, isAlive, type ProcessId, signalProcess } from "./process-table.ts";

async function start(script: string) {
  const child = spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
  const printed: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => printed.push(chunk.toString()));
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  await once(child.stdout, "data");
  const leader = identify(child.pid ?? 0);
  if (leader === null) throw new Error("it has ended already");
  const known = new Map<number, ProcessId>();
  const members = (): readonly ProcessId[] => {
    for (const process of below(leader)) known.set(process.pid, process);
    return [...known.values()].filter(isAlive);
  };
  const tree = { members, isGone: () => members().length === 0, kill: () => void members().map((process) => signalProcess(process, "SIGKILL")) };
  members();
  return { tree, exited, printed: () => printed.join("") };
}

const below = (process: ProcessId): readonly ProcessId[] => [process, ...childrenOf(process.pid).flatMap(below)];

it("holds a shell until its program has ended well, and lets it take no further step", async () => {
  const { tree, exited, printed } = await start("sh -c 'trap \"sleep 0.1; echo well; exit 0\" TERM; sleep 600 & echo ready; wait'; echo next");
  await endTree(tree, 20_000, exited);
  expect(await exited).toEqual([null, "SIGTERM"]);
  expect(printed()).toBe("ready\nwell\n");
});

it("lets a shell with a trap end as it wants, once its program has gone", async () => {
  const { tree, exited, printed } = await start('trap "echo trapped; exit 7" TERM; sleep 600 & echo ready; wait; echo next');
  await endTree(tree, 20_000, exited);
  expect(await exited).toEqual([7, null]);
  expect(printed()).toBe("ready\ntrapped\n");
});

it("kills what does not want to end when the grace is over", async () => {
  const { tree, exited } = await start("trap '' TERM; sleep 600 & echo ready; while :; do sleep 600; done");
  const startedAt = performance.now();
  await endTree(tree, 300, exited);
  expect(await exited).toEqual([null, "SIGKILL"]);
  expect(performance.now() - startedAt).toBeGreaterThan(290);
  // It was killed as well, and goes a moment later.
  await expect.poll(() => tree.isGone(), { timeout: 20_000 }).toBe(true);
});
