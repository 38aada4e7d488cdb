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
