// Real runs through a real orchestrator of its own process.
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type OrchestratorProcess, spawnOrchestrator } from "../../../test/support/orchestrator-process.ts";
import { clientOf, makeOrchestratorHome, type OrchestratorHome } from "../../../test/support/orchestrator-under-test.ts";
import { RunClient } from "../../../test/support/run-client.ts";

let home: OrchestratorHome;
let orchestrator: OrchestratorProcess;
let runs: RunClient;
beforeAll(async () => {
  home = await makeOrchestratorHome();
  orchestrator = await spawnOrchestrator(home);
  runs = new RunClient(clientOf(home, orchestrator.url, "worker"));
});
afterAll(async () => {
  await orchestrator[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

async function script(name: string, text: string, mode = 0o755): Promise<void> {
  await mkdir(join(home.data, "scripts"), { recursive: true });
  await writeFile(join(home.data, "scripts", name), text);
  await chmod(join(home.data, "scripts", name), mode);
}

it("runs the original's samples in the home folder", async () => {
  expect(await runs.finish({ script: "touch.sh", arguments: ["a file.txt"] })).toMatchObject({ end: "exited", code: 0, attempt: 1, state: "ended" });
  expect(existsSync(join(home.data, "homedir/a file.txt"))).toBe(true);
});

it("tells code, output and what was used", async () => {
  await script("tells.sh", '#!/bin/sh\necho "out: $1"\necho err >&2\nexit 3\n');
  const ended = await runs.finish({ script: "tells.sh", arguments: ["für 🙂"] });
  expect(ended).toMatchObject({ end: "exited", code: 3, signal: null, stdoutBytes: 15, stderrBytes: 4, isOutputCut: false, message: null });
  expect(ended.diskBeforeBytes).toBeGreaterThan(0);
  expect(await runs.text(ended.uid)).toBe("out: für 🙂\n");
  expect(await readFile(join(home.data, `logs/tasks/${ended.uid}_stderr.log`), "utf8")).toBe("err\n");
});
