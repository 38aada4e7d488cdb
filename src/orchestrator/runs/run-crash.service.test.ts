// The orchestrator killed as by `kill -9`, and a disk that is full.
import { execFileSync } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { titled, whyNoMounts, whyNoSandbox } from "../../../test/support/needs.ts";
import { spawnOrchestrator, untilNoProcessIsLeft } from "../../../test/support/orchestrator-process.ts";
import { clientOf, makeOrchestratorHome, type OrchestratorHome } from "../../../test/support/orchestrator-under-test.ts";
import { RunClient } from "../../../test/support/run-client.ts";
import { programsSleepingFor } from "../../../test/support/sleeping-programs.ts";
import { RunJournal } from "./run-journal.ts";
import { newRecord } from "./run-record.ts";

const clientFor = (home: OrchestratorHome, url: string) => new RunClient(clientOf(home, url, "worker"));
const patience = { timeout: 60_000 };
const testMs = 240_000;
const environment = { BACKLOT_TASK_COMMANDS: "true" };
const command = (text: string) => ({ program: { kind: "command", command: text } }) as const;

it(
  "a run dies with its orchestrator, is lost afterwards with what it had printed, and never starts again",
  async () => {
    await using home = await makeOrchestratorHome(environment);
    const seconds = `${randomInt(1e8, 1e9)}.5`;
    const hiding = command(`echo "begun" >> marks; echo printed; setsid sh -c "trap '' TERM; sleep ${seconds}" & trap '' TERM; sleep ${seconds}`);
    const uid = randomUUID();
    let ended: string | undefined;
    {
      await using first = await spawnOrchestrator(home);
      const runs = clientFor(home, first.url);
      await runs.start(hiding, uid);
      ended = (await runs.finish(command("echo whole; exit 6"))).uid;
      await expect.poll(() => programsSleepingFor(seconds), patience).toBe(2);
      await expect.poll(() => runs.text(uid), patience).toBe("printed\n");
      await first.kill();
      // A sandbox ends with it at once. Without one the next orchestrator ends what it finds, before it starts anything.
      if (whyNoSandbox() === null) {
        await untilNoProcessIsLeft(home);
        expect(programsSleepingFor(seconds)).toBe(0);
      }
    }
    await using second = await spawnOrchestrator(home);
    expect(programsSleepingFor(seconds)).toBe(0);
    const runs = clientFor(home, second.url);
    expect(await runs.wait(uid)).toMatchObject({ state: "ended", end: "lost", attempt: 1, code: null, stdoutBytes: 8 });
    expect(await runs.start(hiding, uid)).toMatchObject({ end: "lost" });
    expect(await runs.text(uid)).toBe("printed\n");
    expect(await runs.wait(ended)).toMatchObject({ end: "exited", code: 6 });
    expect(await readFile(join(home.data, "homedir/marks"), "utf8")).toBe("begun\n");
    // The next attempt is another start.
    expect(await runs.finish({ ...command("echo again"), attempt: 2 }, uid)).toMatchObject({ end: "exited", code: 0, attempt: 2 });
  },
  testMs,
);

it(
  "never starts an attempt twice, whenever the orchestrator is killed",
  async () => {
    await using home = await makeOrchestratorHome(environment);
    const uids = Array.from({ length: 40 }, () => randomUUID());
    const mark = command('echo "$TASK_UID" >> marks');
    for (let round = 0; round < 3; round += 1) {
      await using orchestrator = await spawnOrchestrator(home);
      const runs = clientFor(home, orchestrator.url);
      const asking = uids.map((uid) => runs.start(mark, uid).catch(() => null));
      // Killed in the middle of it: some are acknowledged, some recorded, some unknown.
      await Promise.race([Promise.all(asking.slice(0, 5 + round * 10)), Promise.allSettled(asking)]);
      await orchestrator.kill();
      await Promise.all(asking);
      await untilNoProcessIsLeft(home);
    }
    await using last = await spawnOrchestrator(home);
    const runs = clientFor(home, last.url);
    const ends = await Promise.all(uids.map((uid) => runs.finish(mark, uid)));
    const marks = (await readFile(join(home.data, "homedir/marks"), "utf8")).trim().split("\n");
    expect(new Set(marks).size).toBe(marks.length);
    expect(ends.every((run) => run.state === "ended" && ["exited", "lost"].includes(run.end ?? ""))).toBe(true);
    // What is said to have exited did run.
    for (const run of ends.filter(({ end }) => end === "exited")) expect(marks).toContain(run.uid);
    // Of all that was begun nothing is taken for interrupted any more.
    await last.kill();
    const { journal, begun } = await RunJournal.open({ folder: join(home.data, "orchestrator/runs/journal"), log: silentLog(), settle: async () => undefined });
    await journal.close();
    const ended = begun.map(({ uid }) => join(home.data, "orchestrator/runs/ended", uid.slice(-2), `${uid}.json`));
    expect(ended.filter((file) => !existsSync(file))).toEqual([]);
  },
  testMs,
);

it.skipIf(whyNoMounts() !== null)(
  titled("a full disk costs a run its output, not its end", whyNoMounts()),
  async () => {
    await using home = await makeOrchestratorHome(environment);
    const logs = join(home.data, "small");
    await mkdir(logs);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", logs]);
    try {
      await using orchestrator = await spawnOrchestrator({
        ...home,
        environment: { ...home.environment, BACKLOT_TASK_STDOUT: logs, BACKLOT_TASK_STDERR: logs },
      });
      const runs = clientFor(home, orchestrator.url);
      const first = await runs.finish(command("yes | head -c 500000; echo done > done"));
      expect(first).toMatchObject({ end: "exited", code: 0, stdoutBytes: 500_000, isOutputCut: true });
      expect(await readFile(join(home.data, "homedir/done"), "utf8")).toBe("done\n");
      // Nothing is left for this one at all.
      expect(await runs.finish(command("echo words; exit 3"))).toMatchObject({ end: "exited", code: 3, stdoutBytes: 6, isOutputCut: true });
    } finally {
      execFileSync("umount", [logs]);
    }
  },
  testMs,
);

it(
  "starts that an earlier version put down, a file each, are lost like any other; one that a crash cut off says nothing",
  async () => {
    await using home = await makeOrchestratorHome(environment);
    const [cut, lost] = [randomUUID(), randomUUID()];
    const live = join(home.data, "orchestrator/runs/live");
    await mkdir(live, { recursive: true });
    await chmod(live, 0o700);
    await writeFile(join(live, `${cut}.json`), '{"uid": "');
    await writeFile(join(live, `${lost}.json`), JSON.stringify(newRecord({ uid: lost, attempt: 2, siteId: null, outputBytes: 1000 })));
    await using orchestrator = await spawnOrchestrator(home);
    const runs = clientFor(home, orchestrator.url);
    expect(await runs.finish(command("true"), cut)).toMatchObject({ end: "exited", code: 0 });
    expect(await runs.finish({ ...command("true"), attempt: 2 }, lost)).toMatchObject({ end: "lost", attempt: 2 });
    expect(await readdir(live)).toEqual([]);
  },
  testMs,
);
