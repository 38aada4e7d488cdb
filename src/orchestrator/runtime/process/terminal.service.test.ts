import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { titled, whyNoSandbox } from "../../../../test/support/needs.ts";
import { type ProcessRuntimeHarness, processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { gathered } from "../../../../test/support/site-terminal-suite.ts";
import type { EnteredProgram } from "../enter.ts";

const missing = whyNoSandbox();
const soon = { timeout: 20_000 };

describe.skipIf(missing !== null)(titled("a terminal in a sandbox", missing), () => {
  let harness: ProcessRuntimeHarness;
  let entries = 0;
  beforeAll(async () => {
    harness = processRuntimeHarness();
    await harness.runtime.probe();
  });
  afterAll(() => harness[Symbol.asyncDispose]());

  async function enter(given: { readonly siteId?: number; readonly command?: string; readonly onPipes?: boolean } = {}): Promise<EnteredProgram> {
    entries += 1;
    const { request } = harness.make({ siteId: given.siteId ?? 1, files: {}, limits: { memoryBytes: 64_000_000, pids: 40 } });
    const spec = { ...request.spec, kind: "static" as const };
    const size = given.onPipes === true ? null : { cols: 80, rows: 24 };
    return harness.runtime.enter({ key: `k${entries}`, spec, folder: request.folder, command: given.command ?? null, size, environment: { LANG: "C.UTF-8" } });
  }

  async function answer(command: string): Promise<string> {
    const program = await enter({ command, onPipes: true });
    program.input.end();
    return text(program.output);
  }

  test("has job control, and Ctrl-C ends the program and not the shell", async () => {
    const program = await enter();
    const shown = gathered(program.output);
    await expect.poll(shown, soon).toContain("site-1");
    program.input.write("tty; jobs -l; sleep 600\r");
    await expect.poll(shown, soon).toContain("/dev/");
    expect(shown()).not.toContain("no job control");
    program.input.write("\u0003");
    program.input.write("echo code=$?\r");
    await expect.poll(shown, soon).toContain("code=130");
    program.input.write("sleep 601 & kill %1; wait; exit 5\r");
    expect(await program.exited).toMatchObject({ code: 5, signal: null });
  });

  test("a full-screen program takes it over, and gives it back", async () => {
    const program = await enter({ command: "printf 'one\\ntwo\\n' > f.txt; less f.txt; echo done" });
    const shown = gathered(program.output);
    await expect.poll(shown, soon).toContain("two");
    program.input.write("q");
    await expect.poll(shown, soon).toContain("done");
  });

  test("what it makes is the group's too, and it works in the site's folder with the site's variables", async () => {
    expect(await answer("umask; pwd; echo $HOME $USER")).toBe("0007\n/site\n/site/.home site\n");
  });

  test("no program inherits an end of a terminal, its own or another's", async () => {
    const [mine, other] = [await enter({ siteId: 1 }), await enter({ siteId: 2 })];
    for (const program of [mine, other]) gathered(program.output);
    expect(await answer('for f in /proc/self/fd/*; do readlink "$f"; done | grep -c -e ptmx -e pts')).toBe("0\n");
    const looking = await enter({ siteId: 2, command: 'for f in /proc/self/fd/*; do readlink "$f"; done | grep -c ptmx' });
    const shown = gathered(looking.output);
    await looking.exited;
    await expect.poll(shown, soon).toBe("0\r\n");
    await Promise.all([mine.end(0), other.end(0)]);
  });

  test("a flood of output is held back until somebody takes it, and costs this process little", async () => {
    const program = await enter({ command: "yes | head -c 20000000" });
    let received = 0;
    program.output.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    program.output.pause();
    // Until nothing more comes: it is held back, or all of it is here.
    let last = 0;
    const hasSettled = (): boolean => {
      const arrived = received + program.output.readableLength;
      const isSame = arrived === last && arrived > 0;
      last = arrived;
      return isSame;
    };
    await expect.poll(hasSettled, { ...soon, interval: 100 }).toBe(true);
    const before = process.memoryUsage().rss;
    expect(last).toBeLessThan(4_000_000);
    let most = 0;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss - before);
    }, 20);
    const closed = new Promise<void>((resolve) => program.output.once("close", resolve));
    program.output.resume();
    await closed;
    clearInterval(timer);
    // Each line feed became two bytes.
    expect(received).toBe(30_000_000);
    expect(most).toBeLessThan(60_000_000);
  }, 120_000);

  test("what is typed and not read holds up nobody else", async () => {
    const program = await enter({ command: "stty raw; echo ready; sleep 600" });
    const shown = gathered(program.output);
    await expect.poll(shown, soon).toContain("ready");
    while (program.input.write(Buffer.alloc(64 * 1024, 120)));
    // The same process holds this one, too.
    const other = await enter({ command: "echo here" });
    const here = gathered(other.output);
    await expect.poll(here, soon).toContain("here");
    await program.end(0);
  });

  test("the memory limit ends what takes too much, and says so", async () => {
    const program = await enter({ command: "exec node -e 'const all=[];for(;;)all.push(Buffer.alloc(1e7,1))'", onPipes: true });
    gathered(program.output);
    // Without root there are no control groups to tell it: the kernel refuses what is beyond the bound.
    const end = await program.exited;
    expect(end).toMatchObject(process.getuid?.() === 0 ? { isOutOfMemory: true } : { isOutOfMemory: false });
    expect(end.code).not.toBe(0);
  });

  test("a terminal whose own end is lost ends with everything in it", async () => {
    const program = await enter({ command: "sleep 600" });
    gathered(program.output);
    const [keeper] = childrenRunning("terminal-keeper-program.mjs");
    expect(keeper).toBeDefined();
    process.kill(keeper ?? 0, "SIGKILL");
    await program.exited;
    const again = await enter({ command: "echo back" });
    const shown = gathered(again.output);
    await expect.poll(shown, soon).toContain("back");
  });
});

/** Children of this process whose command line holds a text. */
function childrenRunning(part: string): readonly number[] {
  const pids = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return pids.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(part));
}
