import { spawn } from "node:child_process";
import { once } from "node:events";
import Docker from "dockerode";
import { expect, it } from "vitest";
import { ContainerWatch } from "./container-watch.ts";

it("takes the first container of a start for its own, and does not mistake the end of another one for its end", async () => {
  const watch = new ContainerWatch(new Docker({ socketPath: "/nowhere" }), "s1");
  watch.onEvent({ action: "start", containerId: "ours", exitCode: 0 });
  watch.onEvent({ action: "start", containerId: "by-hand", exitCode: 0 });
  watch.onEvent({ action: "oom", containerId: "by-hand", exitCode: 0 });
  watch.onEvent({ action: "die", containerId: "by-hand", exitCode: 1 });
  expect([await watch.started, watch.hasEnded]).toEqual(["ours", false]);
  watch.onEvent({ action: "die", containerId: "ours", exitCode: 3 });
  expect(await watch.ended).toEqual({ code: 3, signal: null, isOutOfMemory: false });
});

/** An engine that fails to answer as often as it is told, and then says that the container has ended. */
function engine(failures: number) {
  let asked = 0;
  const inspect = async () => {
    asked += 1;
    if (asked <= failures) throw new Error("socket hang up");
    return { State: { Running: false, Status: "exited", OOMKilled: false, ExitCode: 3 } };
  };
  // Only what is asked of it here.
  return { docker: { getContainer: () => ({ inspect }) } as unknown as Docker, asked: () => asked };
}

it("finds an end that it missed, although the engine does not answer the first time", async () => {
  const { docker, asked } = engine(1);
  const watch = new ContainerWatch(docker, "s1", "ours");
  watch.onGap();
  expect([await watch.ended, asked()]).toEqual([{ code: 3, signal: null, isOutOfMemory: false }, 2]);
});

it("sees by the first process that a container has ended of which the engine says nothing", async () => {
  const program = spawn("sleep", ["60"]);
  const watch = new ContainerWatch(engine(Number.POSITIVE_INFINITY).docker, "s1", "ours");
  try {
    expect(watch.knowInit(program.pid ?? 0)).not.toBeNull();
    watch.onGap();
    expect(watch.hasEnded).toBe(false);
  } finally {
    program.kill("SIGKILL");
    await once(program, "exit");
  }
  expect(await watch.ended).toEqual({ code: null, signal: "SIGKILL", isOutOfMemory: false });
});

it("looks once more when events were missed while it looked", async () => {
  const answers = [Promise.withResolvers<boolean>(), Promise.withResolvers<boolean>()];
  let asked = 0;
  const inspect = async () => {
    const isRunning = (await answers[asked++]?.promise) ?? false;
    return { State: { Running: isRunning, Status: isRunning ? "running" : "exited", OOMKilled: false, ExitCode: 0 } };
  };
  const watch = new ContainerWatch({ getContainer: () => ({ inspect }) } as unknown as Docker, "s1", "ours");
  watch.onGap();
  watch.onGap();
  answers[0]?.resolve(true);
  answers[1]?.resolve(false);
  expect(await watch.ended).toMatchObject({ code: 0 });
  expect(asked).toBe(2);
});

it("does not look again once nobody listens", async () => {
  const { docker, asked } = engine(Number.POSITIVE_INFINITY);
  const watch = new ContainerWatch(docker, "s1", "ours");
  watch.onForgotten();
  watch.onGap();
  expect([asked(), watch.hasEnded]).toEqual([0, false]);
});
