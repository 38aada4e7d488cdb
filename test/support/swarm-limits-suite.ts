// What the kernel holds programs and shells of a swarm's sites to, and what they see of the server of databases; called by `swarm-isolation.service.test.ts`.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import type { EnterRequest } from "#orchestrator/runtime/enter.ts";
import type { SiteRuntime } from "#orchestrator/runtime/site-runtime.ts";
import type { SwarmRuntimeHarness } from "./swarm-runtime-harness.ts";

const poll = { timeout: 60_000 };
const soon = () => AbortSignal.timeout(60_000);
const serves = 'exec httpd -f -p "$PORT" -h /site/public\n';

/** From inside, where control groups are of version 1 or 2; what is too long for a file is not in it. */
const tellsLimits = `cd /sys/fs/cgroup
echo cpu: $(cat cpu.max 2>/dev/null || cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us)
echo memory: $(cat memory.max 2>/dev/null || cat memory/memory.limit_in_bytes)
echo pids: $(cat pids.max 2>/dev/null || cat pids/pids.max)
grep -E '^Max (core file size|open files|file size) ' /proc/self/limits
cd /site
head -c 3000000 /dev/zero >"private/$NAME" 2>/dev/null
echo "written: $(wc -c <"private/$NAME")"
echo told
`;
const tellsDatabase = `env | grep DATABASE
cat /run/postgresql/mark
touch /run/postgresql/mine 2>/dev/null && echo "the server's folder is writable"
grep ' /run/postgresql ' /proc/mounts
echo told
`;

/** Its harness has the plain image. */
export function swarmLimitsSuite(opened: () => SwarmRuntimeHarness): void {
  it("are held by the kernel to their own limits, their shells too", { timeout: 120_000 }, async () => {
    const { make, runtime } = opened();
    const limits = { cpu: 0.5, memoryBytes: 64_000_000, pids: 50, fileBytes: 2_000_000 };
    const { request, printed } = make({ siteId: 8, limits, environment: { NAME: "of-program" }, files: { "run.sh": `#!/bin/sh\n${tellsLimits}${serves}` } });
    const running = await runtime.start(request);
    await running.whenListening(soon());
    await expect.poll(printed, poll).toContain("told\n");
    const shown = await shownBy(runtime, { ...request, command: tellsLimits, size: null, environment: { NAME: "of-shell" } });
    for (const said of [printed(), shown])
      expect(limitsIn(said)).toEqual([
        "cpu: 50000 100000",
        "memory: 64000000",
        "pids: 50",
        "Max file size 2000000 2000000 bytes",
        "Max core file size 0 0 bytes",
        "Max open files 4096 4096 files",
        "written: 2000000",
      ]);
    await running.stop(1_000);
  });

  it("see the folder of their database's server, to read only, and how to sign in there, their shells too", { timeout: 120_000 }, async () => {
    const { make, again, swarm } = opened();
    const databaseFolder = join(swarm.folder, "databases");
    mkdirSync(databaseFolder);
    // Nothing but the mount keeps them from writing there.
    chmodSync(databaseFolder, 0o777);
    writeFileSync(join(databaseFolder, "mark"), "of the server\n");
    const runtime = again({ databaseFolder });
    const { request, printed } = make({ siteId: 9, files: { "run.sh": `#!/bin/sh\n${tellsDatabase}${serves}` } });
    const own = { ...request, spec: { ...request.spec, database: { name: "site_9", username: "site_9", password: "a/b@c" } } };
    const running = await runtime.start(own);
    await expect.poll(printed, poll).toContain("told\n");
    for (const said of [printed(), await shownBy(runtime, { ...own, command: tellsDatabase, size: null, environment: {} })]) {
      expect(said).toMatch(/^DATABASE_URL=postgresql:\/\/site_9:a%2Fb%40c@localhost\/site_9\?host=\/run\/postgresql$/m);
      expect(said.match(/^DIRECTOR_DATABASE_\w+=/gm)).toHaveLength(7);
      expect(said).toContain("\nof the server\n");
      expect(said).toMatch(/^\S+ \/run\/postgresql \S+ ro,/m);
      expect(said).not.toContain("the server's folder is writable");
    }
    await running.stop(1_000);
    // Two that are responsible for one node would know nothing of whom the other has let out.
    await runtime.close();
  });
}

/** What a shell of a site prints to its end, on a terminal or without one. */
export async function shownBy(runtime: SiteRuntime, request: Omit<EnterRequest, "key">): Promise<string> {
  const program = await runtime.enter({ ...request, key: "shown" });
  program.errors?.resume();
  const [shown] = await Promise.all([text(program.output), program.exited]);
  return shown.replaceAll("\r\n", "\n");
}

/** The lines of `tellsLimits`, with one space between words. */
function limitsIn(said: string): readonly string[] {
  return said.split("\n").flatMap((line) => (/^(?:cpu:|memory:|pids:|written:|Max )/.test(line) ? [line.trim().replaceAll(/ +/g, " ")] : []));
}
