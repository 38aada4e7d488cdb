import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { readSystem } from "#contract/api/system.ts";
import { type Backlot, checkout, prepareBacklot, startBacklot } from "../support/backlot.ts";
import { titled, whyNotPython, whyNotRoot } from "../support/needs.ts";
import { ordinaryUser } from "../support/site-runtime-hosting.ts";

const notRoot = whyNotRoot();
/** What starts faster, where it can run. */
const starter = whyNotPython() === null ? "python" : "node";
const start = [process.execPath, join(checkout, "bin/backlot.mjs"), "start"] as const;

describe("a start that cannot be", { timeout: 240_000 }, () => {
  test("on a data folder that is in use says so, and the first goes on", async () => {
    await using first = await startBacklot();
    await (await first.admin()).createSite("here", "static", "static");
    const second = await prepareBacklot({ dataFolder: first.data });
    expect(await exitOf(second)).not.toBe(0);
    expect(second.output).toContain("another Backlot");
    expect(JSON.parse(await readFile(join(first.data, "endpoints.json"), "utf8"))).toMatchObject({ manager: first.manager });
    expect((await first.visit("here")).status).toBe(200);
  });

  test("because a port is taken names the port and the setting, and leaves nothing behind", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const address = holder.address();
    const port = String(typeof address === "object" ? address?.port : "");
    await using refused = await prepareBacklot({ environment: { BACKLOT_ROUTER_PORT: port } });
    expect(await exitOf(refused)).toBe(2);
    expect(refused.output).toContain("BACKLOT_ROUTER_PORT");
    expect(refused.output).toContain(port);
    await refused.noneLeft();
    holder.close();
  });

  test("with settings that make no sense names all of them at once and exits with 2", async () => {
    await using refused = await prepareBacklot({
      environment: { BACKLOT_PORT: "many", BACKLOT_SITES_DOMAIN: "not a domain", BACKLOT_ADMIN_PASSWORD: "hunter2" },
    });
    expect(await exitOf(refused)).toBe(2);
    expect(refused.output).toContain("BACKLOT_ADMIN_PASSWORD: must have 8 to 200 characters");
    expect(refused.output).not.toContain("hunter2");
    expect(refused.output).toContain("BACKLOT_PORT");
    expect(refused.output).toContain("BACKLOT_SITES_DOMAIN");
  });

  test("with a task API that is open without sign-in, at an address that others reach, says so and exits with 2", async () => {
    await using refused = await prepareBacklot({ environment: { BACKLOT_TASK_API_OPEN: "true", BACKLOT_HOST: "0.0.0.0" } });
    expect(await exitOf(refused)).toBe(2);
    expect(refused.output).toContain("BACKLOT_TASK_API_OPEN: without sign-in, whoever reaches 0.0.0.0 could run programs here; unset BACKLOT_TASK_API_OPEN");
    await refused.noneLeft();
  });
});

describe("a start that is unusual", { timeout: 240_000 }, () => {
  test("again on the same folder finds everything as it was, within seconds", async () => {
    await using backlot = await startBacklot();
    const admin = await backlot.admin();
    await admin.createSite("kept", "static", "static");
    await admin.createSite("program", "dynamic", starter);
    await backlot.stop();
    await backlot.start();
    expect((await backlot.visit("kept")).status).toBe(200);
    expect((await backlot.visit("program", "/time")).status).toBe(200);
    expect((await admin.client.call(readSystem, {})).version).toMatch(/^\d/);
  });

  test.skipIf(notRoot !== null)(titled("from a checkout and a data folder below a folder that only root may enter", notRoot), async () => {
    const locked = await mkdtemp(join(tmpdir(), "backlot-locked-"));
    await chmod(locked, 0o700);
    const place = join(locked, "checkout");
    await mkdir(place);
    try {
      // A mount namespace of its own shows the checkout at the locked place, to this Backlot only.
      const script = 'mount --bind "$1" "$2" && cd "$2" && shift 2 && exec "$@"';
      const there = start.map((word) => word.replace(checkout, place));
      const command = ["unshare", "--mount", "sh", "-c", script, "sh", checkout, place, ...there] as const;
      await using backlot = await startBacklot({ dataFolder: join(locked, basename(locked)), command: [...command] });
      await everythingWorks(backlot);
    } finally {
      await rm(locked, { recursive: true, force: true });
    }
  });

  test.skipIf(notRoot !== null)(titled("by npm, from another folder, as an ordinary user", notRoot), async () => {
    // Debian's `nobody`: PostgreSQL asks that its user has a name.
    const user = 65_534;
    using nobody = ordinaryUser(user);
    const [dataFolder, cwd] = [join(nobody.folder, basename(nobody.folder)), join(nobody.folder, "elsewhere")];
    for (const folder of [dataFolder, cwd]) {
      mkdirSync(folder);
      chownSync(folder, user, user);
    }
    const [file = "", ...as] = nobody.as;
    const command = [file, ...as, "npm", "--prefix", nobody.checkout, "start"] as const;
    await using backlot = await startBacklot({ dataFolder, cwd, command: [...command] });
    expect(new Set(backlot.processes().map(({ pid }) => ownerOf(pid)))).toEqual(new Set([user]));
    await everythingWorks(backlot);
  });
});

async function everythingWorks(backlot: Backlot): Promise<void> {
  const admin = await backlot.admin();
  await admin.createSite("page", "static", "static").catch((error: Error) => {
    throw new Error(`${error.message}\n${backlot.output.slice(-3000)}`);
  });
  await admin.createSite("program", "dynamic", starter);
  expect((await backlot.visit("page")).status).toBe(200);
  const answer = await backlot.visit("program", "/time");
  expect([answer.status, answer.text.slice(0, 500)]).toEqual([200, expect.stringContaining("time")]);
  await admin.put("program", "public/x.txt", "x");
  expect((await admin.get("program", "public/x.txt")).toString()).toBe("x");
}

async function exitOf(backlot: Backlot): Promise<number | null> {
  const child = backlot.spawn();
  const [code] = await once(child, "close");
  return code as number | null;
}

function ownerOf(pid: number): number {
  return Number(execFileSync("stat", ["-c", "%u", `/proc/${pid}`], { encoding: "utf8" }));
}
