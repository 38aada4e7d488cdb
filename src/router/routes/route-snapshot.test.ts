import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { silentLog } from "#kit/log.ts";
import { setClock } from "../../../test/support/set-clock.ts";
import { type RouteSnapshot, SnapshotFile } from "./route-snapshot.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-snapshot-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const snapshot = (version: number): RouteSnapshot => ({ version, routes: [], grant: "grant", orchestrator: "http://127.0.0.1:1" });

test("a change is on the disk soon, also when the machine's clock was set back since the last one", async () => {
  const file = new SnapshotFile(join(folder, "routes.json"), silentLog());
  const version = async (): Promise<number | undefined> => (await file.read())?.version;
  file.changed(() => snapshot(1));
  await expect.poll(version, { timeout: 20_000 }).toBe(1);
  setClock(-3_600_000);
  try {
    file.changed(() => snapshot(2));
    await expect.poll(version, { timeout: 20_000 }).toBe(2);
  } finally {
    await file.flush();
  }
});
