// Real runs through a real orchestrator in a process of its own.
import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { applySite } from "#contract/internal/orchestrator.ts";
import { listScripts, listSiteScripts } from "#contract/internal/runs.ts";
import { defaultRunLimits } from "#contract/task.ts";
import { siteOwner } from "#orchestrator/runtime/process/site-owner.ts";
import { titled, whyNoSandbox, whyNotRoot } from "../../../test/support/needs.ts";
import { type OrchestratorProcess, spawnOrchestrator } from "../../../test/support/orchestrator-process.ts";
import { clientOf, makeOrchestratorHome, type OrchestratorHome, specOf } from "../../../test/support/orchestrator-under-test.ts";
import { RunClient } from "../../../test/support/run-client.ts";
import { programsSleepingFor } from "../../../test/support/sleeping-programs.ts";

let home: OrchestratorHome;
let orchestrator: OrchestratorProcess;
let runs: RunClient;
beforeAll(async () => {
  home = await makeOrchestratorHome({ BACKLOT_TASK_COMMANDS: "true", SECRET_OF_THE_PLATFORM: "do-not-tell" });
  orchestrator = await spawnOrchestrator(home);
  runs = new RunClient(clientOf(home, orchestrator.url, "worker"));
});
afterAll(async () => {
  await orchestrator[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const limits = { ...defaultRunLimits, timeoutMs: 60_000 };
const command = (text: string) => ({ program: { kind: "command", command: text } }) as const;

async function script(name: string, text: string, folder = join(home.data, "scripts")): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), text);
  await chmod(join(folder, name), 0o755);
}

it("runs the original's samples in the home folder", async () => {
  expect(await runs.finish({ script: "touch.sh", arguments: ["a file.txt"] })).toMatchObject({ end: "exited", code: 0, attempt: 1 });
  expect(existsSync(join(home.data, "homedir/a file.txt"))).toBe(true);
  const { scripts, allowsCommands } = await clientOf(home, orchestrator.url, "worker").call(listScripts, {});
  expect(allowsCommands).toBe(true);
  expect(scripts.filter(({ path }) => ["ls.sh", "mkdir.sh", "touch.sh"].includes(path)).every((found) => found.isExecutable)).toBe(true);
});

it("tells code, output and what was used", async () => {
  await script("tells.sh", '#!/bin/sh\necho "out: $1"\necho err >&2\ncat\nexit 3\n');
  const ended = await runs.finish({ script: "tells.sh", arguments: ["für 🙂"] });
  expect(ended).toMatchObject({ end: "exited", code: 3, signal: null, stdoutBytes: 15, stderrBytes: 4, isOutputCut: false, message: null });
  expect(ended.diskBeforeBytes).toBeGreaterThan(0);
  expect(await runs.text(ended.uid)).toBe("out: für 🙂\n");
  expect(await readFile(join(home.data, `logs/tasks/${ended.uid}_stderr.log`), "utf8")).toBe("err\n");
});

it("runs a text without an interpreter by a shell, as shells do, and commands with their arguments", async () => {
  await script("text", "echo by a shell: $1\n");
  expect(await runs.text((await runs.finish({ script: "text", arguments: ["a  b"] })).uid)).toBe("by a shell: a b\n");
  expect(await runs.text((await runs.finish({ ...command('echo "$2" "$1"'), arguments: ["a", "b  c"] })).uid)).toBe("b  c a\n");
  const split = { kind: "script", path: "text", shellArguments: "'one word' two" } as const;
  expect(await runs.text((await runs.finish({ program: split, arguments: ["unused"] })).uid)).toBe("by a shell: one word\n");
});

it.skipIf(whyNoSandbox() !== null)(titled("shows a run nothing of the platform: no variable, no process, no file, no network", whyNoSandbox()), async () => {
  const text = await runs.text(
    (
      await runs.finish({
        ...command("env; echo --; ls /proc | grep -c '^[0-9]'; cat /proc/*/environ | tr '\\0' '\\n'; cat /proc/net/dev; ls / /work /root 2>&1"),
        environment: { OWN: "1" },
        idempotencyKey: "k-1",
        attempt: 7,
      })
    ).uid,
  );
  const names = (text.split("--\n")[0] ?? "").split("\n").flatMap((line) => (line === "" ? [] : [line.split("=")[0]]));
  expect(names.filter((name) => !["PWD", "OLDPWD", "_", "SHLVL"].includes(name ?? "")).sort()).toEqual(
    ["HOME", "LANG", "OWN", "PATH", "TASK_ATTEMPT", "TASK_IDEMPOTENCY_KEY", "TASK_UID", "TZ", "USER"].sort(),
  );
  expect(text).toContain("TASK_ATTEMPT=7");
  expect(text).not.toContain("do-not-tell");
  expect(text).not.toContain("BACKLOT");
  expect(text).not.toMatch(/eth0|orchestrator\.key/);
  expect(text).toMatch(/cannot access '\/root'/);
});

it("ends at once what forks, starts a session of its own and ignores every signal", async () => {
  const seconds = `${randomInt(1e8, 1e9)}.5`;
  const daemon = `trap '' TERM HUP INT; setsid sh -c "trap '' TERM; (setsid sleep ${seconds} &) ; sleep ${seconds}" & echo up; while :; do sleep 1; done`;
  const { uid } = await runs.start(command(daemon));
  await expect.poll(() => programsSleepingFor(seconds), { timeout: 20_000 }).toBe(2);
  const startedAt = performance.now();
  expect(await runs.cancel(uid, { graceMs: 300 })).toMatchObject({ end: "cancelled", code: null });
  expect(programsSleepingFor(seconds)).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  // What a run leaves behind when it ends by itself goes with it.
  expect(await runs.finish(command(`setsid sleep ${seconds} & exit 5`))).toMatchObject({ end: "exited", code: 5 });
  expect(programsSleepingFor(seconds)).toBe(0);
});

it("ends what takes too long", async () => {
  const ended = await runs.finish({ ...command("echo before; sleep 60; echo after"), limits: { ...limits, timeoutMs: 500 } });
  expect(ended).toMatchObject({ end: "timed-out" });
  expect(await runs.text(ended.uid)).toBe("before\n");
});

it.skipIf(whyNotRoot() !== null)(titled("holds a run to its memory and its processes, and measures both", whyNotRoot()), async () => {
  const hungry = await runs.finish({
    ...command('exec node -e "const a=[]; for(;;) a.push(Buffer.alloc(5e6,1))"'),
    limits: { ...limits, memoryBytes: 100_000_000 },
  });
  expect(hungry).toMatchObject({ end: "out-of-memory", signal: "SIGKILL" });
  expect(hungry.peakMemoryBytes).toBeGreaterThan(80_000_000);
  const forking = await runs.finish({ ...command("for i in $(seq 40); do sleep 1 & done; wait"), limits: { ...limits, pids: 12 } });
  expect(await runs.text(forking.uid, "stderr")).toMatch(/fork/i);
  const busy = await runs.finish(command("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"));
  expect(busy.cpuMs).toBeGreaterThan(20);
});

it("keeps head and tail of an output of a hundred megabytes, and stays small itself", async () => {
  const flood = { ...command("echo first; yes | head -c 100000000; echo last"), limits: { ...limits, outputBytes: 100_000 } };
  const { uid } = await runs.start(flood);
  const ended = await runs.wait(uid);
  expect(ended).toMatchObject({ end: "exited", code: 0, stdoutBytes: 100_000_011, isOutputCut: true });
  const file = join(home.data, `logs/tasks/${uid}_stdout.log`);
  expect((await stat(file)).size).toBeLessThan(100_200);
  const text = await readFile(file, "utf8");
  expect(text.startsWith("first\ny\n")).toBe(true);
  expect(text).toContain("[Backlot left out 99900011 bytes here]");
  expect(text.endsWith("y\nlast\n")).toBe(true);
  await expect.poll(() => readdir(join(home.data, "orchestrator/runs/parts"))).toEqual([]);
});

it("follows the output of a run while it goes on", async () => {
  const { uid } = await runs.start(command("for i in 1 2 3; do echo line $i; sleep 0.1; done"));
  const pieces = await runs.pieces(uid, "stdout", { follow: true });
  expect(pieces.map((piece) => piece.text).join("")).toBe("line 1\nline 2\nline 3\n");
  expect(await runs.pieces(uid, "stdout", { offset: -7 })).toEqual([{ offset: 14, next: 21, text: "line 3\n", skipped: 0 }]);
});

it.skipIf(whyNoSandbox() !== null)(
  titled("runs in a site as its user, with its files and variables, and never out of its folder of scripts", whyNoSandbox()),
  async () => {
    const client = clientOf(home, orchestrator.url);
    await client.call(applySite, { params: { siteId: 5 }, body: specOf(5, { environment: { GREETING: "hello" } }) });
    const folder = join(home.folderOf(5), "private/scripts");
    await script("job.sh", '#!/bin/sh\necho "$GREETING from $(pwd) $(printenv PORT || echo no port)"; echo made > public/made.txt; id -u\n', folder);
    await writeFile(join(folder, "job.yaml"), "title: A job\nconcurrency: 1\n");
    await symlink("/etc/passwd", join(folder, "out"));
    await symlink("../../run.sh", join(folder, "missing"));
    const ended = await runs.finish({ script: "job.sh", siteId: 5 });
    expect(await runs.text(ended.uid)).toContain("hello from /site no port\n");
    expect((await stat(join(home.folderOf(5), "public/made.txt"))).uid).toBe(siteOwner(5)?.uid ?? process.getuid?.());
    for (const name of ["out", "missing"]) expect(await runs.finish({ script: name, siteId: 5 })).toMatchObject({ end: "not-found", code: 127 });
    const found = await clientOf(home, orchestrator.url, "worker").call(listSiteScripts, { params: { siteId: 5 } });
    expect(found.scripts.map(({ path, manual, manualProblem }) => ({ path, manual, manualProblem }))).toEqual([
      { path: "job.sh", manual: { title: "A job", concurrency: 1 }, manualProblem: null },
    ]);
  },
);
