import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProcessRuntimeHarness, processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { programsSleepingFor } from "../../../../test/support/sleeping-programs.ts";
import { findProgram } from "./machine-programs.ts";

const modes = findProgram("bwrap") === null ? (["plain"] as const) : (["auto", "plain"] as const);

for (const mode of modes) {
  describe(`stopping a program, ${mode}`, () => {
    let harness: ProcessRuntimeHarness;
    beforeAll(() => {
      harness = processRuntimeHarness({ mode });
    });
    afterAll(() => harness[Symbol.asyncDispose]());

    const start = async (siteId: number, script: string) => {
      const made = harness.make({ siteId, isTrusted: true, files: { "run.sh": `#!/bin/sh\n${script}\n` } });
      return { running: await harness.runtime.start(made.request), printed: made.printed };
    };
    const says = (program: { printed: () => string }, text: string) => expect.poll(program.printed, { timeout: 30_000 }).toContain(text);

    it("leaves nothing of one that forks, hides in a session of its own and ignores every signal", async () => {
      // A duration that no other process on this machine sleeps for tells these apart.
      const duration = `${randomInt(1e8, 1e9)}.5`;
      const stubborn = `trap "" TERM INT HUP; sleep ${duration} & setsid sleep ${duration} & (setsid sleep ${duration} &) & setsid setsid sh -c "trap '' TERM; sleep ${duration}; sleep ${duration}" &`;
      const program = await start(1, `${stubborn}\nwhile :; do echo up; sleep 0.1; done`);
      await says(program, "up");
      await expect.poll(() => programsSleepingFor(duration), { timeout: 30_000 }).toBe(4);
      await program.running.stop(200);
      expect(programsSleepingFor(duration)).toBe(0);
      expect((await program.running.exited).code).toBeNull();
    });

    it("leaves nothing behind of one that ends by itself", async () => {
      const duration = `${randomInt(1e8, 1e9)}.5`;
      const program = await start(2, `setsid sleep ${duration} &\nsleep 0.2; exit 7`);
      expect(await program.running.exited).toEqual({ code: 7, signal: null, isOutOfMemory: false });
      expect(programsSleepingFor(duration)).toBe(0);
    });

    it("lets a program behind a shell say goodbye", async () => {
      const child = 'process.on("SIGTERM", () => { console.log("goodbye"); process.exit(0); }); setInterval(() => {}, 1000); console.log("up")';
      const program = await start(3, `node -e '${child}'\necho after`);
      await says(program, "up");
      await program.running.stop(10_000);
      expect(program.printed()).toContain("goodbye");
    });

    it("runs a run.sh without an executable bit or a first line by a shell, in the folder where it lies", async () => {
      const { request, printed } = harness.make({ siteId: 4, isTrusted: true, runFile: "public/run.sh", files: { "public/run.sh": "pwd; exit 5\n" } });
      const running = await harness.runtime.start(request);
      expect((await running.exited).code).toBe(5);
      expect(printed().trim()).toMatch(/\/public$/);
    });
  });
}
