// bin/backlot.mjs and src/main.ts as people and service managers call them.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { holderOf } from "#supervisor/folder-lock.ts";

const root = join(import.meta.dirname, "..");
const bin = join(root, "bin", "backlot.mjs");
/** What an old Node says of itself; only the first process hears it. */
const asOldNode = ["--import", "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.0.0'})"];

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-executable-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

function environment(more: Record<string, string> = {}): Record<string, string> {
  // A database that is not there: the manager goes on trying, and everything else is up within a second.
  const database = "postgres://nobody@127.0.0.1:1/none";
  return {
    PATH: process.env.PATH ?? "",
    BACKLOT_DATA: join(folder, "data"),
    BACKLOT_PORT: "0",
    BACKLOT_ROUTER_PORT: "0",
    BACKLOT_FTP_PORT: "0",
    BACKLOT_SSH_PORT: "0",
    DATABASE_URL: database,
    ...more,
  };
}

async function call(args: readonly string[], env = environment()): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const failure = z.object({ code: z.int(), stdout: z.string(), stderr: z.string() });
  return promisify(execFile)(process.execPath, [...args], { env }).then(
    (result) => ({ ...result, code: 0 }),
    (error: unknown) => failure.parse(error),
  );
}

describe("the executable", () => {
  it("says what can run when it is asked for something else", async () => {
    const known = "supervisor, keys, manager, worker, orchestrator, ftp, shell, router";
    expect(await call([bin, "run", "manager,nonsense"])).toEqual({
      code: 2,
      stdout: "",
      stderr: `Backlot cannot start:\n  "nonsense" is nothing that can run; choose some of: ${known}\n`,
    });
    expect(await call([bin, "run"])).toMatchObject({ code: 2, stderr: expect.stringContaining("Say what to run") });
  });

  it("runs what BACKLOT_PROCESSES names, unless it is told otherwise", async () => {
    const withProcesses = (names: string) => ({ PATH: process.env.PATH ?? "", BACKLOT_PROCESSES: names });
    for (const args of [["start"], ["run"]]) {
      const nonsense = await call([bin, ...args], withProcesses("router, nonsense"));
      expect(nonsense).toMatchObject({ code: 2, stderr: expect.stringContaining('"nonsense" is nothing that can run') });
      // It says what the router misses, and nothing of a manager.
      const router = await call([bin, ...args], withProcesses("router"));
      expect([router.code, router.stderr]).toEqual([2, expect.stringContaining("BACKLOT_MANAGER_URL: ")]);
      expect(router.stderr).not.toContain("DATABASE_URL");
    }
    const manager = await call([bin, "run", "manager"], withProcesses("router"));
    expect([manager.code, manager.stderr]).toEqual([2, expect.stringContaining("DATABASE_URL")]);
  });

  it("names every setting that is wrong, whichever process would read it, and exits with 2", async () => {
    const { code, stderr } = await call([bin, "start"], environment({ BACKLOT_PORT: "eighty", BACKLOT_SITE_LIMIT: "-1", BACKLOT_ROUTER_WAKE_MS: "soon" }));
    expect(code).toBe(2);
    expect(stderr.split("\n").map((line) => line.trim().split(":")[0])).toEqual([
      "Backlot cannot start",
      "BACKLOT_PORT",
      "BACKLOT_SITE_LIMIT",
      "BACKLOT_ROUTER_WAKE_MS",
      "",
    ]);
  });

  it("names what a single process misses", async () => {
    const { code, stderr } = await call([bin, "run", "router"], { PATH: process.env.PATH ?? "" });
    expect(code).toBe(2);
    expect(stderr).toContain("BACKLOT_MANAGER_URL: ");
    expect(stderr).toContain("BACKLOT_COMPONENT_KEY_FILE: ");
  });

  it("says how to install it where it is not installed", async () => {
    await mkdir(join(folder, "bin"));
    await cp(bin, join(folder, "bin", "backlot.mjs"));
    expect(await call([join(folder, "bin", "backlot.mjs"), "sites"])).toEqual({
      code: 1,
      stdout: "",
      stderr: `Backlot is not installed in ${folder} yet. Run "npm start" there, or "npm ci".\n`,
    });
  });

  it("is what npx finds in the checkout, with nothing to download", async () => {
    // The machine's own Node and npm, as in README's tour.
    const PATH = (process.env.PATH ?? "").split(delimiter).filter((place) => !place.includes("node_modules"));
    const { stdout } = await promisify(execFile)("npx", ["--offline", "backlot", "--version"], {
      cwd: root,
      env: { ...environment(), PATH: PATH.join(delimiter) },
    });
    expect(stdout).toBe(`${JSON.parse(await readFile(join(root, "package.json"), "utf8")).version}\n`);
  });

  it("hands over to the Node beside it when it is called with an old one, and passes on how that ended", async () => {
    expect(await call([...asOldNode, bin, "run", "nonsense"])).toMatchObject({ code: 2, stderr: expect.stringContaining('"nonsense" is nothing') });
    expect(await call([...asOldNode, bin, "--help"])).toMatchObject({ code: 0, stdout: expect.stringContaining("deploy") });
  });

  it("called with an old Node passes signals on, and ends in order", async () => {
    const [wrapper, supervisor] = await startUnderOldNode();
    expect(supervisor).not.toBe(wrapper.pid);
    wrapper.kill("SIGTERM");
    expect(await once(wrapper, "exit")).toEqual([0, null]);
    expect(await holderOf(join(folder, "data"), "data")).toBeNull();
  });

  it("called with an old Node leaves nothing behind when that is killed", async () => {
    const [wrapper] = await startUnderOldNode();
    wrapper.kill("SIGKILL");
    await expect.poll(() => holderOf(join(folder, "data"), "data"), { timeout: 20_000 }).toBeNull();
  });
});

async function startUnderOldNode(): Promise<readonly [ChildProcess, number]> {
  const wrapper = spawn(process.execPath, [...asOldNode, bin, "start"], { env: environment({ BACKLOT_LOG_LEVEL: "silent" }), stdio: "ignore" });
  children.push(wrapper);
  await mkdir(join(folder, "data"), { recursive: true });
  let holder: number | null = null;
  await expect.poll(async () => (holder = await holderOf(join(folder, "data"), "data")), { timeout: 30_000 }).not.toBeNull();
  return [wrapper, holder ?? 0];
}
