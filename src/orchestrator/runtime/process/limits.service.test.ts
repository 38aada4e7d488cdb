import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { titled, whyNoSandbox } from "../../../../test/support/needs.ts";
import { type ProcessRuntimeHarness, processRuntimeHarness, type SiteGiven } from "../../../../test/support/process-runtime-harness.ts";

const missing = whyNoSandbox();
const megabyte = 1_000_000;

describe.skipIf(missing !== null)(titled("limits of a program", missing), () => {
  let harness: ProcessRuntimeHarness;
  let holds: { readonly memory: boolean; readonly cpu: boolean; readonly pids: boolean };
  beforeAll(async () => {
    harness = processRuntimeHarness();
    holds = (await harness.runtime.probe()).limits;
  });
  afterAll(() => harness[Symbol.asyncDispose]());

  const runToEnd = async (given: SiteGiven & { readonly script: string }) => {
    const { request, printed } = harness.make({ ...given, files: { "run.sh": `#!/bin/sh\n${given.script}\n` } });
    const exit = await (await harness.runtime.start(request)).exited;
    return { exit, printed: printed() };
  };

  it("ends a program that takes more memory than it may, and says so", async (test) => {
    if (!holds.memory) test.skip("control groups are not writable");
    const script = `exec node -e 'const held = []; for (;;) { held.push(Buffer.alloc(1e6, 1)); console.log(held.length); }'`;
    const { exit, printed } = await runToEnd({ siteId: 1, limits: { memoryBytes: 120 * megabyte }, script });
    expect(exit).toEqual({ code: null, signal: "SIGKILL", isOutOfMemory: true });
    const reached = Number(printed.trim().split("\n").at(-1));
    expect(reached).toBeGreaterThan(20);
    expect(reached).toBeLessThan(120);
  });

  it("counts what lies in /tmp as memory", async (test) => {
    if (!holds.memory) test.skip("control groups are not writable");
    const limits = { memoryBytes: 100 * megabyte };
    const node = "exec node -e 'console.log(1)'";
    const full = await runToEnd({ siteId: 2, limits, script: `head -c 45000000 /dev/zero > /tmp/a; head -c 45000000 /dev/zero > /dev/shm/b; ${node}` });
    expect(full.exit).toEqual({ code: null, signal: "SIGKILL", isOutOfMemory: true });
    const empty = await runToEnd({ siteId: 2, limits, script: node });
    expect(empty.exit.code).toBe(0);
  });

  it("bounds /tmp", async () => {
    const { printed } = await runToEnd({ siteId: 3, script: "head -c 200000000 /dev/zero > /tmp/a; stat -c %s /tmp/a" });
    expect(Number(printed.trim().split("\n").at(-1))).toBeLessThanOrEqual(64 * 1024 * 1024);
  });

  it("gives a program no more of a processor than its share", async (test) => {
    if (!holds.cpu) test.skip("control groups are not writable");
    // Two busy processes for a second and a half: together they may use a quarter of one core, once something listens.
    const burn = "const start = Date.now(); while (Date.now() - start < 1500);";
    const listen = 'require("node:net").createServer().listen(8080)';
    const script = `node -e '${listen}' & sleep 1; node -e '${burn}' & node -e '${burn}' & wait %2 %3; times; kill %1`;
    const { request, printed } = harness.make({ siteId: 4, limits: { cpu: 0.25 }, files: { "run.sh": `#!/bin/bash\n${script}\n` } });
    const running = await harness.runtime.start(request);
    await running.whenListening(AbortSignal.timeout(20_000));
    await running.exited;
    // The last line of \`times\`: user and system time of the shell's children.
    const [user = 0, system = 0] = (printed().trim().split("\n").at(-1) ?? "").split(" ").map(seconds);
    expect(user + system).toBeGreaterThan(0.05);
    expect(user + system).toBeLessThan(0.25 * 2.5);
  });

  it("lets a program boot beyond its share until it listens", async (test) => {
    if (!holds.cpu) test.skip("control groups are not writable");
    // Its share would be a twentieth of three seconds, and what Node takes to start; a busy machine gives less than all of them, too.
    const burn = "const start = Date.now(); while (Date.now() - start < 3000);";
    const { printed } = await runToEnd({ siteId: 9, limits: { cpu: 0.05 }, script: `node -e '${burn}'; times` });
    const [user = 0, system = 0] = (printed.trim().split("\n").at(-1) ?? "").split(" ").map(seconds);
    expect(user + system).toBeGreaterThan(0.3);
  });

  it("lets a program start no more processes than it may, and its neighbour all of its own", async (test) => {
    if (!holds.pids) test.skip("neither control groups nor this kernel count processes");
    const script = `exec node -e '
      const { spawn } = require("node:child_process");
      let started = 0, refused = 0;
      for (let i = 0; i < 100; i++) { const child = spawn("sleep", ["5"], { stdio: "ignore" }); if (child.pid) started++; else refused++; child.on("error", () => {}); }
      console.log(JSON.stringify({ started, refused })); process.kill(0, "SIGKILL")'`;
    const many = await runToEnd({ siteId: 5, limits: { pids: 40 }, script });
    const other = await runToEnd({ siteId: 6, limits: { pids: 200 }, script });
    expect(JSON.parse(many.printed).started).toBeLessThan(40);
    expect(JSON.parse(many.printed).refused).toBeGreaterThan(60);
    expect(JSON.parse(other.printed)).toEqual({ started: 100, refused: 0 });
  });

  it("lets no file grow larger than it may", async () => {
    const script = "head -c 5000000 /dev/zero > /site/big; stat -c %s /site/big; ulimit -c";
    const { printed } = await runToEnd({ siteId: 7, limits: { fileBytes: 2_048_000 }, script });
    expect(printed.trim().split("\n").slice(-2)).toEqual(["2048000", "0"]);
  });

  it("takes no more of an endless output than it has use for", async () => {
    let characters = 0;
    const { request } = harness.make({ siteId: 8, files: { "run.sh": "#!/bin/sh\nexec yes 'a line that says nothing at all'\n" } });
    const running = await harness.runtime.start({
      ...request,
      onOutput: (_stream, text) => {
        characters += text.length;
      },
    });
    const before = process.memoryUsage().rss;
    // What it prints within a time is the point, so a time has to pass.
    await delay(1500);
    await running.stop(1000);
    expect(characters).toBeGreaterThan(10_000);
    // A quarter of a megabyte in a tenth of a second, and a pipe's worth beyond it.
    expect(characters).toBeLessThan(8 * megabyte);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * megabyte);
  });
});

/** Seconds in `0m1.250s`. */
function seconds(text: string): number {
  const [, minutes = 0, rest = 0] = (/^(\d+)m([\d.]+)s$/.exec(text) ?? []).map(Number);
  return minutes * 60 + rest;
}
