import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { isAlive, processId } from "#kit/process-id.ts";
import { KeptProgram } from "./kept-program.ts";

const patience = { timeout: 20_000, interval: 10 };

/** A program that only waits, and what was told of it. Its record cannot be written before there is a folder for it. */
async function scene() {
  const folder = await mkdtemp(path.join(tmpdir(), "backlot-kept-"));
  const recordFolder = path.join(folder, "programs");
  const record = path.join(recordFolder, "sleep.json");
  const told: string[] = [];
  const kept = new KeptProgram({
    name: "sleep",
    key: "sleep",
    file: "sleep",
    args: ["1000"],
    folder,
    recordFolder,
    log: silentLog(),
    prepare: async () => undefined,
    isReady: async () => true,
    onReady: () => void told.push("ready"),
    onGone: () => void told.push("gone"),
    endSignal: "SIGTERM",
  });
  const recorded = async (): Promise<number | undefined> => processId.safeParse(JSON.parse(await readFile(record, "utf8").catch(() => "null"))).data?.pid;
  const end = async (): Promise<void> => {
    await kept.stop(10_000);
    await rm(folder, { recursive: true });
  };
  return { kept, told, record, recordFolder, recorded, [Symbol.asyncDispose]: end };
}

test("a program whose record cannot be written is used all the same, and recorded as soon as that can be done", async () => {
  await using it = await scene();
  await it.kept.start(true);
  expect([it.told, await it.recorded()]).toEqual([["ready"], undefined]);
  const first = it.kept.pid ?? 0;
  process.kill(first, "SIGKILL");
  await expect.poll(() => it.told, patience).toEqual(["ready", "gone", "ready"]);
  expect(it.kept.pid).not.toBe(first);
  await mkdir(it.recordFolder);
  await expect.poll(it.recorded, patience).toBe(it.kept.pid);
});

test.each(["", "{", "[]"])("a record that says %j, as after a power cut, keeps nothing from starting", async (text) => {
  await using it = await scene();
  await mkdir(it.recordFolder);
  await writeFile(it.record, text);
  await it.kept.start(true);
  expect(await it.recorded()).toBe(it.kept.pid);
});

test("a router that comes after one that was killed finds the program by its record", async () => {
  await using before = await scene();
  await mkdir(before.recordFolder);
  await before.kept.start(true);
  await using after = await scene();
  await mkdir(after.recordFolder);
  await writeFile(after.record, await readFile(before.record, "utf8"));
  await after.kept.start(true);
  expect([after.kept.pid, after.told]).toEqual([before.kept.pid, ["ready"]]);
  const left = processId.parse(JSON.parse(await readFile(before.record, "utf8")));
  await after.kept.stop(10_000);
  expect(isAlive(left)).toBe(false);
});
