import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import type { RunRequest } from "../run.ts";
import { findProgram } from "./machine-programs.ts";

const hasGroups = process.getuid?.() === 0 && findProgram("bwrap") !== null;

describe.runIf(hasGroups)("a run whose launcher was parked", () => {
  it("has its own limits and arguments, like one that is launched from the beginning", async () => {
    await using harness = processRuntimeHarness({ mode: "auto", parkedLaunchers: 2 });
    const run = async (name: string, given: Partial<RunRequest>) => {
      const { request, printed } = await harness.run(name, "tells");
      const running = await harness.runtime.run({ ...request, ...given });
      return { exit: await running.exited, text: printed("stdout") };
    };
    await run("first", {});
    // A quiet moment parks the next ones.
    await delay(400);
    const limits = { cpu: 1, memoryBytes: 60_000_000, pids: 20 };
    const hungry = { kind: "command", command: 'exec node -e "const a=[]; for(;;) a.push(Buffer.alloc(5e6,1))"' } as const;
    expect((await run("hungry", { command: hungry, limits })).exit).toMatchObject({ isOutOfMemory: true, signal: "SIGKILL" });
    await delay(400);
    expect((await run("words", { arguments: [" a  'b' \\ $HOME * \t"] })).text).toBe("it runs with  a  'b' \\ $HOME * \t\n");
    await delay(400);
    expect((await run("lines", { arguments: ["a\nb"] })).text).toBe("it runs with a\nb\n");
  });
});
