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

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "backlot-held-"));
  folders = new SiteFolders({ sites: join(data, "sites"), trash: join(data, "trash") });
  await folders.open();
  const specs = await SpecStore.open({ folder: join(data, "specs"), secret: new Uint8Array(32), log: silentLog() });
  endedRuns = [];
  let keys = 0;
  held = new HeldSites({
    runtime: new ScriptedRuntime(),
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
    letGo: async () => undefined,
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
