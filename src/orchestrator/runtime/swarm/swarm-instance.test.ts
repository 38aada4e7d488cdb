import { expect, it } from "vitest";
import type { ProcessInstance } from "../process/process-instance.ts";
import { SwarmInstance } from "./swarm-instance.ts";
import { awayFailure } from "./swarm-managers.ts";

const exit = { code: null, signal: "SIGKILL", isOutOfMemory: false } as const;

/** A program whose engine may be away. */
function program() {
  const ended = Promise.withResolvers<typeof exit>();
  const engine = { isAway: false, code: "ENOENT", hasEnded: false, waited: [] as boolean[], stopped: 0 };
  const thaw = async ({ waits }: { readonly waits: boolean }) => {
    engine.waited.push(waits);
    if (engine.isAway) throw awayFailure(new Error("connect ECONNREFUSED"));
    return { hasEnded: engine.hasEnded };
  };
  const stop = async () => {
    engine.stopped += 1;
    ended.resolve(exit);
  };
  const process = { siteId: 1, instance: "a", address: { host: "127.0.0.1", port: 1 }, exited: ended.promise, stop } as unknown as ProcessInstance;
  const freeze = async () => {
    if (engine.isAway) throw Object.assign(new Error("connect ENOENT"), { code: engine.code });
  };
  const parts = { start: "s1", freezer: { freeze, thaw }, leave: () => Promise.reject(new Error("nobody leaves")) };
  return { engine, ended, running: new SwarmInstance(process, parts) };
}

it("is ended without its engine when it moves, for which nobody waits", async () => {
  const { engine, running } = program();
  engine.isAway = true;
  await running.stop(0);
  expect(engine).toMatchObject({ waited: [false], stopped: 1 });
});

it("counts as frozen when an engine that was asked to freeze it did not answer, not when it never heard of that", async () => {
  const { engine, running } = program();
  engine.isAway = true;
  for (const code of ["ENOENT", "ECONNRESET"]) {
    engine.code = code;
    await expect(running.freeze()).rejects.toMatchObject({ code });
    if (code === "ECONNRESET") await expect(running.stop(0)).rejects.toMatchObject({ code: "component_away" });
  }
  expect(engine).toMatchObject({ waited: [true], stopped: 0 });
});

it("cannot be ended without its engine while it stands still, and can afterwards", async () => {
  const { engine, running } = program();
  await running.freeze();
  engine.isAway = true;
  for (const act of [() => running.thaw(), () => running.stop(0), () => running.stop(0)]) await expect(act()).rejects.toMatchObject({ code: "component_away" });
  expect(engine).toMatchObject({ waited: [true, true, true], stopped: 0 });
  engine.isAway = false;
  await running.thaw();
  await running.freeze();
  await running.stop(0);
  expect(engine.stopped).toBe(1);
});

it("goes on only when everybody knows that it has ended, if it ended with its engine", async () => {
  const { engine, ended, running } = program();
  await running.freeze();
  engine.hasEnded = true;
  const seen: string[] = [];
  const thawed = running.thaw().then(() => seen.push("thawed"));
  void running.exited.then(() => seen.push("ended"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual([]);
  ended.resolve(exit);
  await thawed;
  expect(seen).toEqual(["ended", "thawed"]);
});
