import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { ProcessRun, takeOutputFor } from "./process-run.ts";

it("takes no more output of a run that is over, though somebody still holds it", async () => {
  const heard: string[] = [];
  const pipes = [new PassThrough(), new PassThrough()] as const;
  const take = takeOutputFor((_stream, chunk) => void heard.push(Buffer.from(chunk).toString()));
  const output = Promise.all([take("stdout", pipes[0]), take("stderr", pipes[1])]).then(() => undefined);
  const here = { pid: process.pid, startTime: "1" };
  const run = new ProcessRun({
    launched: {
      leader: here,
      init: here,
      ended: Promise.resolve({ code: 0, signal: null }),
      output,
      dropOutput: () => {
        for (const pipe of pipes) pipe.destroy();
      },
      open: () => undefined,
      kill: () => undefined,
    },
    tree: {
      isGone: () => true,
      members: () => [],
      receivers: () => [],
      kill: () => undefined,
      listening: () => [],
      socketCount: () => "",
    },
    cgroup: null,
    release: async () => undefined,
    outputGraceMs: 20,
    log: silentLog(),
  });
  pipes[0].write("of the run");
  expect(await run.exited).toMatchObject({ code: 0, signal: null });
  pipes[0].write("of whom it was handed to", () => undefined);
  await output;
  expect(heard).toEqual(["of the run"]);
  expect(pipes.map((pipe) => pipe.destroyed)).toEqual([true, true]);
});
