import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { changePath } from "#contract/api/files.ts";
import { listTasks, readTask } from "#contract/api/tasks.ts";
import { type Backlot, checkout, startBacklot } from "../support/backlot.ts";
import { runBacklot } from "../support/backlot-cli.ts";
import type { Person } from "../support/backlot-person.ts";

const countsUse = process.getuid?.() === 0 && existsSync("/sys/fs/cgroup/memory");

let backlot: Backlot;
let ann: Person;
let home: string;

beforeAll(async () => {
  backlot = await startBacklot();
  ann = await backlot.addPerson("ann");
  home = await mkdtemp(join(tmpdir(), "backlot-task-"));
  await ann.createSite("garden", "static");
  const scripts = {
    "count.sh": 'for i in 1 2 3; do echo "$1 $i"; done\necho "from $NAME" >&2\nexit 7\n',
    "form.sh": 'echo "$@"\n',
    "form.sh.yaml": "parameters:\n  - {name: size, flag: --size, type: number, max: 9, isRequired: true}\n  - {name: loud, type: switch}\n",
    "forever.sh": "echo begun\nsleep 1000\n",
    "plain.sh": "echo never\n",
    // What tail keeps is memory; the loop is time of the processor.
    "uses.sh": "head -c 60000000 /dev/zero | tail -c 60000000 | wc -c\ni=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done\n",
  };
  for (const [name, body] of Object.entries(scripts)) {
    const path = `private/scripts/${name}`;
    await ann.put("garden", path, name.endsWith(".sh") ? `#!/bin/sh\n${body}` : body);
    if (name.endsWith(".sh") && name !== "plain.sh") await ann.client.call(changePath, { params: { name: "garden", "*": path }, body: { executable: true } });
  }
});
afterAll(async () => {
  await backlot[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

const run = (...argv: readonly string[]) => runBacklot(["task", ...argv], { home, server: backlot.manager, token: ann.token });

test("a script's output and code are the command's own", async () => {
  const { exitCode, out, err } = await run("run", "count.sh", "a b", "--site", "garden", "--env", "NAME=Ann");
  expect({ exitCode, out }).toEqual({ exitCode: 7, out: "a b 1\na b 2\na b 3\n" });
  expect(err).toContain("from Ann\n");
  expect(err).toMatch(/The task has failed.* 7\.\n/);
  const { tasks } = JSON.parse((await run("ls", "--site", "garden", "--json")).out) as { tasks: { uid: string; code: number }[] };
  expect(tasks[0]?.code).toBe(7);
  expect((await run("logs", tasks[0]?.uid ?? "")).out).toBe(out);
  expect((await run("logs", tasks[0]?.uid ?? "", "--stderr")).out).toBe("from Ann\n");
  expect(await run("rerun", tasks[0]?.uid ?? "")).toMatchObject({ exitCode: 7, out });
});

test("what a script has used is counted, from its control groups to whoever asks", async () => {
  expect(await run("run", "uses.sh", "--site", "garden")).toMatchObject({ exitCode: 0, out: "60000000\n" });
  const { tasks } = await ann.client.call(listTasks, { query: { script: "uses.sh" } });
  const { cpuMs, peakMemoryBytes, diskBeforeBytes, diskAfterBytes } = tasks[0] ?? {};
  for (const bytes of [diskBeforeBytes, diskAfterBytes]) expect(bytes).toBeGreaterThan(0);
  // Root's groups of version 1 count both; elsewhere null says that something is not counted.
  if (!countsUse && (cpuMs === null || peakMemoryBytes === null)) return;
  expect(cpuMs).toBeGreaterThan(20);
  expect(peakMemoryBytes).toBeGreaterThan(50_000_000);
  // What the site may have at most.
  expect(peakMemoryBytes).toBeLessThanOrEqual(100_000_000);
});

test("a script that may not be run ends with 126, as in a shell, and says why", async () => {
  const { exitCode, out, err } = await run("run", "plain.sh", "--site", "garden");
  expect({ exitCode, out }).toEqual({ exitCode: 126, out: "" });
  expect(err).toContain("executable");
});

test("a form is filled by its parameters", async () => {
  expect(await run("run", "form.sh", "--site", "garden", "--param", "size=3", "--param", "loud=true")).toMatchObject({ exitCode: 0, out: "--size 3 --loud\n" });
  const { exitCode, err } = await run("run", "form.sh", "--site", "garden", "--param", "size=10");
  expect([exitCode, err]).toEqual([1, "error: Some parameters of the script are not right; mend them: size takes a number of at most 9.\n"]);
});

test("Ctrl-C leaves the task running, and cancel ends it", async () => {
  const child = spawn(process.execPath, [join(checkout, "bin/backlot.mjs"), "task", "run", "forever.sh", "--site", "garden"], {
    env: { PATH: process.env.PATH, HOME: home, BACKLOT_SERVER: backlot.manager, BACKLOT_TOKEN: ann.token },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = text(child.stderr);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  const [exitCode] = (await once(child, "exit")) as [number];
  expect(exitCode).toBe(130);
  const uid = /task cancel ([0-9a-f-]{36})/.exec(await said)?.[1] ?? "";
  expect((await ann.client.call(readTask, { params: { uid } })).task.state).toBe("running");
  expect((await run("cancel", uid)).out).toMatch(/cancelled\.\n$/);
  expect((await run("logs", uid, "-f")).out).toBe("begun\n");
  expect((await ann.client.call(readTask, { params: { uid } })).task.state).toBe("cancelled");
});
