import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#kit/clock.ts";
import { silentLog } from "#kit/log.ts";
import { ScriptedRuntime } from "../../../test/support/scripted-runtime.ts";
import { quickBackOff, siteSpecOf } from "../../../test/support/site-runner-stage.ts";
import { HeldSites } from "./held-sites.ts";
import { SiteFolders } from "./site-folders.ts";
import { SpecStore } from "./spec-store.ts";
import { StartGate } from "./start-gate.ts";
import { StatusBoard } from "./status-board.ts";

let data: string;
let folders: SiteFolders;
let held: HeldSites;
let endedRuns: number[];
let runtime: ScriptedRuntime;
let letGo: (siteId: number) => Promise<void>;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "backlot-held-"));
  folders = new SiteFolders({ sites: join(data, "sites"), trash: join(data, "trash") });
  await folders.open();
  const specs = await SpecStore.open({ folder: join(data, "specs"), secret: new Uint8Array(32), log: silentLog() });
  endedRuns = [];
  runtime = new ScriptedRuntime();
  letGo = async () => undefined;
  let keys = 0;
  held = new HeldSites({
    runtime,
    clock: systemClock,
    bootTimeoutMs: 20_000,
    graceMs: 10,
    unvisitedMs: 60_000,
    gate: new StartGate({ slots: 8, heldMs: 1_000 }),
    backOff: quickBackOff,
    newInstance: () => `wake-${keys++}`,
    checkRoom: async () => undefined,
    specs,
    folders,
    board: new StatusBoard(),
    logFolder: join(data, "logs"),
    endRuns: async (siteId) => void endedRuns.push(siteId),
    ownerOf: () => null,
    forget: async () => undefined,
    take: async () => undefined,
    onHeld: async () => undefined,
    letGo: (siteId) => letGo(siteId),
  });
  await held.apply(siteSpecOf());
  await writeFile(join(folders.folderOf(7), "run.sh"), "exec a-server\n");
  await held.runnerOf(7).wake({ isAsked: true });
});
afterEach(async () => {
  await held.close();
  await rm(data, { recursive: true });
});

describe("a site that is disabled", () => {
  const disabled = siteSpecOf({ availability: "disabled", revision: 2 });

  it("is stopped also while its folders cannot be made, and whoever disables it is told", async () => {
    await rm(folders.folderOf(7), { recursive: true });
    await writeFile(folders.folderOf(7), "no folder");
    await expect(held.apply(disabled)).rejects.toThrow();
    expect([held.runnerOf(7).current, held.runnerOf(7).status.state, endedRuns]).toEqual([null, "disabled", [7]]);
  });

  it("is stopped also while that cannot be written down", async () => {
    await rm(join(data, "specs"), { recursive: true });
    await expect(held.apply(disabled)).rejects.toThrow();
    expect([held.runnerOf(7).current, held.runnerOf(7).status.state, endedRuns]).toEqual([null, "disabled", [7]]);
  });

  it("is not stopped by an older specification that comes late", async () => {
    await held.apply(siteSpecOf({ revision: 3 }));
    await rm(folders.folderOf(7), { recursive: true });
    await writeFile(folders.folderOf(7), "no folder");
    await expect(held.apply(disabled)).rejects.toThrow();
    expect([held.runnerOf(7).status.state, endedRuns]).toEqual(["running", []]);
  });
});

describe("sites whose programs may have written", () => {
  it("are those that run, and those that did when this was asked before", async () => {
    expect(held.takeActiveSites()).toEqual([7]);
    await held.runnerOf(7).sleep();
    expect([held.takeActiveSites(), held.takeActiveSites()]).toEqual([[7], []]);
  });

  it("are those with one that is being started, and one that ended soon after", async () => {
    await held.runnerOf(7).sleep();
    held.takeActiveSites();
    runtime.script = () => undefined;
    const waking = held.runnerOf(7).wake({ isAsked: true });
    await expect.poll(() => runtime.started.length, { timeout: 20_000 }).toBe(2);
    expect([held.takeActiveSites(), held.takeActiveSites()]).toEqual([[7], [7]]);
    await Promise.all([expect(waking).rejects.toMatchObject({ code: "site_not_served" }), held.apply(siteSpecOf({ availability: "disabled", revision: 2 }))]);
    await held.apply(siteSpecOf({ revision: 3 }));
    held.takeActiveSites();
    expect(held.takeActiveSites()).toEqual([]);
    runtime.script = (program) => program.exit();
    await expect(held.runnerOf(7).wake({ isAsked: true })).rejects.toMatchObject({ code: "site_crashed" });
    await held.runnerOf(7).sleep();
    expect([held.takeActiveSites(), held.takeActiveSites()]).toEqual([[7], []]);
  });
});

describe("a site that another orchestrator has", () => {
  const moved = { placement: 2, graceMs: 10 };

  it("is left once more when the first time came to its end half way", async () => {
    const told: number[] = [];
    letGo = async (siteId) => {
      told.push(siteId);
      if (told.length === 1) throw new Error("the disk is away");
    };
    await expect(held.leave(7, moved)).rejects.toThrow("the disk is away");
    expect(held.halfGone()).toEqual([{ siteId: 7, placement: undefined }]);
    await held.leave(7, moved);
    expect([told, held.heldRunnerOf(7), held.halfGone()]).toEqual([[7, 7], undefined, []]);
    await held.leave(7, moved);
    expect(told).toEqual([7, 7]);
  });

  it("stays when it has come back since, also after a time that came to its end half way", async () => {
    await held.apply(siteSpecOf({ revision: 2, placement: 1 }));
    letGo = async () => {
      throw new Error("the disk is away");
    };
    await expect(held.leave(7, moved)).rejects.toThrow("the disk is away");
    await held.leave(7, { placement: 1 });
    await held.apply(siteSpecOf({ revision: 3, placement: 3 }));
    await held.leave(7, moved);
    expect(held.runnerOf(7).hasEnded).toBe(false);
  });
});
