import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { childEnvironment } from "../../test/support/child-environment.ts";
import { titled, whyNotRoot } from "../../test/support/needs.ts";
import { otherUser } from "./postgres-account.ts";
import { processesIn } from "./postgres-folder.ts";
import { findPostgresPrograms } from "./postgres-programs.ts";
import { type PrivatePostgres, type PrivatePostgresOptions, startPrivatePostgres } from "./private-postgres.ts";

const notRoot = whyNotRoot();
/** Of each five kills one comes in the first start of a new folder, and one takes the server along; CI has a hundred. */
const killRounds = Number(process.env.BACKLOT_DATABASE_KILL_ROUNDS ?? 10);
const roundsOfFolder = 5;
const writer = fileURLToPath(new URL("../../test/support/database-writer.ts", import.meta.url));
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-pg-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function start(folder: string, options: Partial<PrivatePostgresOptions> = {}): Promise<PrivatePostgres> {
  const server = await startPrivatePostgres({ folder, log: silentLog(), ...options });
  cleanups.push(() => server.stop());
  return server;
}

async function ask(server: PrivatePostgres, sql: string): Promise<unknown[]> {
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

// Some make two databases, each of them seconds of work.
describe("a private PostgreSQL", { timeout: 240_000 }, () => {
  it("keeps what was committed over a stop and a start, and syncs it to disk", async () => {
    const folder = await temporaryFolder();
    const first = await start(folder);
    await ask(first, "create table kept as select 42 as number");
    expect(await ask(first, "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as sync")).toEqual([{ fsync: "on", sync: "on" }]);
    await first.stop();
    expect(await first.exited).toMatchObject({ code: 0, signal: null });
    const second = await start(folder);
    expect(await ask(second, "select number from kept")).toEqual([{ number: 42 }]);
  });

  it("listens on a socket that only its owner can reach, and on no port", async () => {
    const folder = await temporaryFolder();
    const server = await start(folder);
    const socketFolder = new URL(server.url).searchParams.get("host") ?? "";
    expect(((await stat(socketFolder)).mode & 0o777).toString(8)).toBe("700");
    expect(((await stat(folder)).mode & 0o777).toString(8)).toBe("700");
    expect(((await stat(join(socketFolder, ".s.PGSQL.5432"))).mode & 0o777).toString(8)).toBe("700");
    expect(await ask(server, "select current_setting('listen_addresses') as addresses")).toEqual([{ addresses: "" }]);
  });

  it("starts in a folder whose path is too long for a socket, with commas and quotes in it", async () => {
    const folder = join(await temporaryFolder(), 'deep, "quoted" folder', "x".repeat(100));
    const server = await start(folder);
    const socketFolder = new URL(server.url).searchParams.get("host") ?? "";
    expect(Buffer.byteLength(`${socketFolder}/.s.PGSQL.5432`)).toBeLessThanOrEqual(107);
    expect(((await stat(socketFolder)).mode & 0o777).toString(8)).toBe("700");
    expect(await ask(server, "select 1 as one")).toEqual([{ one: 1 }]);
    await server.stop();
    await expect(stat(socketFolder)).rejects.toThrow("ENOENT");
    const near = join(await temporaryFolder(), 'a, "b"');
    expect(await ask(await start(near), "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("refuses a second start on the same folder, names the holder, and leaves the first alone", async () => {
    const folder = await temporaryFolder();
    const server = await start(folder);
    await expect(startPrivatePostgres({ folder, log: silentLog() })).rejects.toThrow(`Another Backlot (process ${process.pid}) uses ${folder}`);
    expect(await ask(server, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("tells when the server was killed, and starts again at once", async () => {
    const folder = await temporaryFolder();
    const server = await start(folder);
    await ask(server, "create table kept as select 42 as number");
    process.kill(server.pid, "SIGKILL");
    expect(await server.exited).toMatchObject({ signal: "SIGKILL" });
    expect(await ask(await start(folder), "select number from kept")).toEqual([{ number: 42 }]);
  });

  it("stops within seconds although a client hangs on", async () => {
    const server = await start(await temporaryFolder());
    const client = new pg.Client(server.url);
    client.on("error", () => undefined);
    await client.connect();
    const sleeping = client.query("select pg_sleep(600)").catch((error: unknown) => String(error));
    await server.stop();
    expect(await sleeping).toContain("terminat");
  });

  it("is not misled by a record of a process number that belongs to somebody else by now", async () => {
    const folder = await temporaryFolder();
    await (await start(folder)).stop();
    const stranger = spawn("sleep", ["600"]);
    cleanups.push(async () => stranger.kill());
    await once(stranger, "spawn");
    const record = [stranger.pid, join(folder, "data"), 1, 5432, join(folder, "run"), "", "1 1", "ready"].join("\n");
    await writeFile(join(folder, "data", "postmaster.pid"), record, { mode: 0o600 });
    await writeFile(join(folder, "run", ".s.PGSQL.5432.lock"), record, { mode: 0o600 });
    expect(await ask(await start(folder), "select 1 as one")).toEqual([{ one: 1 }]);
    expect(stranger.exitCode).toBeNull();
  });

  it.for([99, 9])("says what to do when PostgreSQL %i made the folder", async (major) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "data"));
    await writeFile(join(folder, "data", "PG_VERSION"), `${major}\n`);
    await expect(start(folder)).rejects.toThrow(`was made by PostgreSQL ${major}, but PostgreSQL`);
    await expect(start(folder)).rejects.toThrow("pg_dump");
    expect(await readdir(join(folder, "data"))).toEqual(["PG_VERSION"]);
  });

  it("goes on with the version that made the folder where that one is installed too", async (context) => {
    const installed = await findPostgresPrograms();
    const oldest = installed.at(-1);
    if (oldest === undefined || installed.length < 2) return context.skip();
    const folder = await temporaryFolder();
    await (await start(folder, { installed: [oldest] })).stop();
    expect((await start(folder)).major).toBe(oldest.major);
  });

  it("leaves a folder alone that holds something else", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "data"));
    await writeFile(join(folder, "data", "thesis.txt"), "years of work");
    await expect(start(folder)).rejects.toThrow("is not a database");
    expect(await readFile(join(folder, "data", "thesis.txt"), "utf8")).toBe("years of work");
  });

  it("says that the folder cannot be used", async () => {
    const file = join(await temporaryFolder(), "file");
    await writeFile(file, "");
    await expect(start(file)).rejects.toThrow("cannot be used (EEXIST");
    await expect(start(join(file, "below"))).rejects.toThrow("Start Backlot as its owner, or set BACKLOT_DATA to another");
  });

  it("says that no server is installed, or that it cannot run", async () => {
    const folder = await temporaryFolder();
    await expect(start(folder, { installed: [] })).rejects.toThrow("set DATABASE_URL");
    await expect(start(folder, { installed: [{ bin: "/nonexistent", major: 18 }] })).rejects.toThrow("PostgreSQL cannot be started here");
  });

  it.skipIf(notRoot !== null)(titled("runs as another user where user namespaces are forbidden, and goes back when they are allowed", notRoot), async () => {
    const folder = await temporaryFolder();
    const account = await otherUser();
    if (account === undefined) throw new Error("no user called postgres or nobody");
    const asOther = await start(folder, { account });
    expect((await stat(`/proc/${asOther.pid}`)).uid).toBe(account.uid);
    await ask(asOther, "create table kept as select 42 as number");
    await asOther.stop();
    expect(await ask(await start(folder), "select number from kept")).toEqual([{ number: 42 }]);
  });

  it.skipIf(notRoot !== null)(titled("works below a folder that only root enters", notRoot), async () => {
    const outer = await temporaryFolder();
    await chmod(outer, 0o700);
    expect(await ask(await start(join(outer, "data")), "select 1 as one")).toEqual([{ one: 1 }]);
  });
});

/** How far a first start had come when it was killed, as its folder tells. */
type Phase = "begun" | "making" | "made" | "writing";
const phases: readonly Phase[] = ["making", "writing", "made", "begun"];

describe("kill -9 of the process that started it", () => {
  it(`loses no acknowledged row and leaves no process, ${killRounds} times, during the first start too`, {
    timeout: 120_000 + killRounds * 30_000,
  }, async (context) => {
    const numbers = { acknowledged: 0, firstStarts: {} as Record<string, number>, serversKilled: 0, slowestGoneMs: 0 };
    for (let round = 0; round < killRounds; round += roundsOfFolder) {
      const folder = await temporaryFolder();
      const acknowledged = new Set<string>();
      for (let inFolder = 0; inFolder < roundsOfFolder; inFolder++) {
        const phase = inFolder === 0 ? (phases[(round / roundsOfFolder) % phases.length] ?? "begun") : "writing";
        const takesServer = inFolder === 2;
        const said = await writeUntilKilled(folder, { round: round + inFolder, phase, takesServer });
        if (inFolder === 0) {
          const met = said.acknowledged.length > 0 ? "writing" : await phaseOf(folder);
          numbers.firstStarts[met] = (numbers.firstStarts[met] ?? 0) + 1;
        }
        if (takesServer) numbers.serversKilled++;
        // Whoever starts next looks what is there before it goes on.
        expect([...acknowledged].filter((key) => inFolder > 0 && !said.found.has(key))).toEqual([]);
        for (const key of said.acknowledged) acknowledged.add(key);
        numbers.slowestGoneMs = Math.max(numbers.slowestGoneMs, await untilNoneRuns(folder));
      }
      const server = await startPrivatePostgres({ folder, log: silentLog() });
      const rows = await ask(server, "select round || ':' || number as key from written");
      const found = new Set(rows.map((row) => String((row as { key: string }).key)));
      await server.stop();
      expect([...acknowledged].filter((key) => !found.has(key))).toEqual([]);
      expect((await readdir(folder)).sort()).toEqual(["data", "run"]);
      numbers.acknowledged += acknowledged.size;
    }
    await context.annotate(JSON.stringify({ rounds: killRounds, ...numbers }));
    if (process.env.BACKLOT_DATABASE_KILL_ROUNDS !== undefined) process.stdout.write(`${JSON.stringify({ rounds: killRounds, ...numbers })}\n`);
    expect(numbers.acknowledged).toBeGreaterThan(killRounds);
    expect(Object.keys(numbers.firstStarts).length, JSON.stringify(numbers)).toBeGreaterThan(1);
  });
});

/** Runs the writer and kills it (and only it, or the server too) at a moment after it has come that far; gives the rows that it found and those that it acknowledged. */
async function writeUntilKilled(
  folder: string,
  given: { readonly round: number; readonly phase: Phase; readonly takesServer: boolean },
): Promise<{ readonly found: ReadonlySet<string>; readonly acknowledged: readonly string[] }> {
  const { round, phase, takesServer } = given;
  const child = spawn(process.execPath, [writer, folder, String(round)], { env: childEnvironment, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  const closed = once(child, "close");
  const isThere = async (): Promise<boolean> => {
    if (phase === "writing") return output.includes(`\n${round}:`);
    return phase === "begun" || [phase, "made"].includes(await phaseOf(folder));
  };
  while (!(await isThere())) {
    if (child.exitCode !== null) throw new Error(`the writer ended by itself: ${output.slice(-500)}`);
    await delay(5);
  }
  await delay(Math.random() * 300);
  if (takesServer) process.kill(Number((await readFile(join(folder, "data/postmaster.pid"), "utf8")).split("\n")[0]), "SIGKILL");
  child.kill("SIGKILL");
  const [, signal] = await closed;
  expect(signal).toBe("SIGKILL");
  // What stands behind the last line end was cut off while it was printed.
  const [before = "", after = ""] = output.slice(0, output.lastIndexOf("\n") + 1).split("that is all\n");
  return { found: new Set(before.split("\n").slice(0, -1)), acknowledged: after.split("\n").slice(0, -1) };
}

async function phaseOf(folder: string): Promise<Phase> {
  const names = await readdir(folder);
  if (names.includes("data")) return "made";
  return names.some((name) => name.startsWith("data.unfinished-")) ? "making" : "begun";
}

/** Milliseconds until no process works in the folder or has it on its command line. */
async function untilNoneRuns(folder: string): Promise<number> {
  const began = Date.now();
  while (await isUsed(folder)) {
    if (Date.now() - began > 60_000) throw new Error(`processes remain: ${(await processesIn(join(folder, "data"))).join(", ")}`);
    await delay(25);
  }
  return Date.now() - began;
}

async function isUsed(folder: string): Promise<boolean> {
  if ((await processesIn(join(folder, "data"))).length > 0) return true;
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(numbers.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.some((line) => line.includes(folder));
}
