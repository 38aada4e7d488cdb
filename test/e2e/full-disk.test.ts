// The disk that everything stands on runs full under the real program: as root, since it takes a disk of the test's own.
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deletePath } from "#contract/api/files.ts";
import { createSite, deleteSite, readSite, updateSite } from "#contract/api/sites.ts";
import type { OperationView } from "#contract/api/views.ts";
import { Failure } from "#contract/failure.ts";
import { adminPassword, type Backlot, startBacklot } from "../support/backlot.ts";
import { openDatabaseOf } from "../support/backlot-database.ts";
import type { Person } from "../support/backlot-person.ts";
import { titled, whyNoMounts } from "../support/needs.ts";
import { mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";

const missing = whyNoMounts();
const reservedBytes = 1_000_000;

let disk: SmallDisk;
let backlot: Backlot;
let admin: Person;

describe.skipIf(missing !== null)(titled("a full disk", missing), () => {
  beforeAll(async () => {
    disk = await mountSmallDisk(120_000);
    const dataFolder = mkdtempSync(join(disk.folder, "backlot-full-"));
    backlot = await startBacklot({ dataFolder, environment: { BACKLOT_DISK_RESERVE_BYTES: String(reservedBytes) } });
    admin = await backlot.admin();
  });
  afterAll(async () => {
    await backlot[Symbol.asyncDispose]();
    await disk[Symbol.asyncDispose]();
  });

  test("refuses files that do not fit, keeps what is there, and takes them when there is room", async () => {
    await admin.createSite("crowded", "static");
    await admin.put("crowded", "public/index.html", "before");
    fillUntil(12_000_000);
    const refusals: unknown[] = [];
    for (let index = 0; index < 8; index++)
      await admin.put("crowded", `public/${index}.bin`, new Uint8Array(3_000_000)).catch((error) => refusals.push(error.code));
    expect(refusals.length).toBeGreaterThan(2);
    expect(new Set(refusals)).toEqual(new Set(["disk_full"]));
    await expect(admin.put("crowded", "public/index.html", new Uint8Array(3_000_000))).rejects.toMatchObject({ code: "disk_full", status: 507 });
    expect((await backlot.visit("crowded")).text).toBe("before");
    await admin.client.call(deletePath, { params: { name: "crowded", "*": "public/0.bin" } });
    // The free space that the orchestrator knows is up to a second old.
    await expect
      .poll(() => admin.put("crowded", "public/fits.bin", new Uint8Array(2_000_000)).then(() => "written", String), { timeout: 20_000 })
      .toBe("written");
    expect((await backlot.visit("crowded", "/fits.bin")).bytes.length).toBe(2_000_000);
    makeRoom();
  });

  test("refuses what the database has no room for, in words, half of nothing done, and ends whatever was acknowledged", async () => {
    await admin.createSite("named-0", "static", "static");
    const known = { name: "named-0", operations: [] as OperationView[], refused: [] as string[], signIns: 0, renames: 0 };
    // What it has room for in the pages of its tables is done all the same.
    for (let round = 1; round < 400 && (known.refused.length < 3 || known.signIns < 3 || known.renames < 3); round++) {
      fillUntil(0);
      const name = `squeezed-${round}`;
      const made = await refusalOf(admin.client.call(createSite, { body: { name, kind: "static", starter: "static" } }));
      if (made instanceof Failure) known.refused.push(name);
      else known.operations.push(made.operation);
      const renamed = await refusalOf(admin.client.call(updateSite, { params: { name: known.name }, body: { name: `named-${round}` } }));
      if (renamed instanceof Failure) known.renames++;
      else known.name = renamed.site.name;
      if (known.signIns < 3 && (await signIn()) === 507) known.signIns++;
      await expect(admin.put(known.name, "public/more.txt", "more")).rejects.toMatchObject({ code: "disk_full" });
    }
    expect(known.refused.length).toBeGreaterThan(2);
    expect([known.renames > 2, known.signIns > 2]).toEqual([true, true]);
    // Whoever only reads notices nothing.
    expect((await admin.client.call(readSite, { params: { name: known.name } })).site.name).toBe(known.name);
    makeRoom();
    await expect.poll(signIn, { timeout: 20_000 }).toBe(201);
    for (const operation of known.operations) await endedWhole(operation);
    await expect.poll(async () => (await backlot.visit(known.name)).status, { timeout: 20_000 }).toBe(200);
    for (const name of known.refused) await expect(admin.client.call(readSite, { params: { name } })).rejects.toMatchObject({ code: "site_not_found" });
    for (const name of known.refused.slice(0, 2)) await admin.createSite(name, "static", "static");
  }, 180_000);

  test("under the database's log ends the database, and it comes back by itself when there is room", async () => {
    await using database = await openDatabaseOf(backlot);
    fillUntil(0);
    // A new file of the log is begun until there is no room for one; some stand ready.
    const begin = sql`select pg_switch_wal(), pg_logical_emit_message(false, 'full', 'disk')`;
    await expect
      .poll(
        () =>
          begin.execute(database).then(
            () => "there was room",
            (error: Failure) => error.code,
          ),
        { timeout: 20_000 },
      )
      .toBe("component_away");
    expect(backlot.output).toContain("No space left on device");
    await expect(admin.put("crowded", "public/more.txt", "more")).rejects.toMatchObject({ status: 503 });
    // Visitors of sites need no database.
    expect((await backlot.visit("crowded")).text).toBe("before");
    makeRoom();
    await expect.poll(signIn, { timeout: 60_000 }).toBe(201);
    await admin.createSite("after-panic", "static", "static");
    await expect.poll(async () => (await backlot.visit("after-panic")).status, { timeout: 20_000 }).toBe(200);
  }, 120_000);

  test("lets nothing start, says why, and the next start with room finds everything", async () => {
    await backlot.stop();
    fillUntil(0);
    const [code] = await once(backlot.spawn(), "close");
    expect(code).not.toBe(0);
    expect(backlot.output.slice(-3_000)).toMatch(/no space left on device|disk.* is full/i);
    await backlot.noneLeft();
    makeRoom();
    await backlot.start();
    expect((await backlot.visit("crowded")).text).toBe("before");
    expect((await backlot.visit("after-panic")).status).toBe(200);
    expect((await admin.get("crowded", "public/fits.bin")).length).toBe(2_000_000);
    await admin.createSite("after-start", "static", "static");
  }, 120_000);
});

/** A create that was taken on is done, or ends with the reason, and its site can then be deleted as every other. */
async function endedWhole(operation: OperationView): Promise<void> {
  const { site: name, state, failure } = await admin.ended(operation);
  if (state === "succeeded") return expect.poll(async () => (await backlot.visit(name)).status, { timeout: 20_000 }).toBe(200);
  expect(failure).toMatchObject({ code: "disk_full" });
  const deleted = await admin.client.call(deleteSite, { params: { name } });
  await admin.succeeded(deleted.operation);
}

/** What came, or the refusal, which has to be the one that tells people. */
async function refusalOf<T>(act: Promise<T>): Promise<T | Failure> {
  try {
    return await act;
  } catch (error) {
    expect(error).toMatchObject({ code: "disk_full", status: 507, message: expect.stringMatching(/full\. Nothing was changed\. Tell an administrator/) });
    return error as Failure;
  }
}

async function signIn(): Promise<number> {
  const headers = { "content-type": "application/json", origin: new URL(backlot.manager).origin };
  const body = JSON.stringify({ username: "admin", password: adminPassword });
  return (await backlot.ask("/api/v1/session", { method: "POST", headers, body })).status;
}

/** Takes the disk's free space with a file of somebody else's, up to so many bytes. */
function fillUntil(freeBytes: number): void {
  const file = openSync(join(disk.folder, "ballast"), "a");
  try {
    for (let left = spaceLeft() - freeBytes; left > 0; left = spaceLeft() - freeBytes) writeSync(file, Buffer.alloc(Math.min(left, 1_000_000)));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  } finally {
    closeSync(file);
  }
}

function makeRoom(): void {
  rmSync(join(disk.folder, "ballast"));
}

function spaceLeft(): number {
  const { bavail, bsize } = statfsSync(disk.folder);
  return bavail * bsize;
}
