import { expect, it } from "vitest";
import { inspectStarted, startedIn } from "./started-container.ts";

const hasEnded = () => false;

function inspected(given: { readonly running?: boolean; readonly port?: string; readonly ip?: string } = {}) {
  const { running = true, port = "32768", ip = "172.30.0.5" } = given;
  const State = { Running: running, Pid: running ? 4711 : 0 };
  const Ports = port === "" ? {} : { "8080/tcp": [{ HostIp: "0.0.0.0", HostPort: port }] };
  return { State, NetworkSettings: { Ports, Networks: { bridge: { IPAddress: ip } } } } as unknown as Awaited<
    ReturnType<Parameters<typeof inspectStarted>[0]["inspect"]>
  >;
}

/** An engine that fails as often as it is told, and then answers. */
function engine(failures: number, error: Error, answer = inspected()) {
  let asked = 0;
  return {
    asked: () => asked,
    inspect: async () => {
      asked += 1;
      if (asked <= failures) throw error;
      return answer;
    },
  };
}

it("asks again when a connection is reset, and finds where the container is reached", async () => {
  const container = engine(1, Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
  expect(await inspectStarted(container, { hasEnded })).toEqual({ pid: 4711, ip: "172.30.0.5", port: 32_768 });
  expect(container.asked()).toBe(2);
});

it("says that the engine does not answer when that lasts, and makes no address up", async () => {
  const container = engine(Number.POSITIVE_INFINITY, Object.assign(new Error("connect ENOENT"), { code: "ENOENT" }));
  await expect(inspectStarted(container, { hasEnded, patienceMs: 0 })).rejects.toMatchObject({ code: "component_away" });
  const half = { inspect: async () => inspected({ port: "" }) };
  await expect(inspectStarted(half, { hasEnded, patienceMs: 0 })).rejects.toMatchObject({ code: "component_away" });
});

it("gives up a container that has ended or was removed", async () => {
  expect(await inspectStarted({ inspect: async () => inspected({ running: false }) }, { hasEnded })).toBeNull();
  expect(await inspectStarted(engine(1, Object.assign(new Error("no such container"), { statusCode: 404 })), { hasEnded })).toBeNull();
  const away = engine(Number.POSITIVE_INFINITY, new Error("socket hang up"));
  expect(await inspectStarted(away, { hasEnded: () => true })).toBeNull();
});

it("takes a container that runs for known only with its process, its address and its port", () => {
  expect(startedIn(inspected())).toEqual({ pid: 4711, ip: "172.30.0.5", port: 32_768 });
  for (const half of [{ port: "" }, { ip: "" }, { port: "0" }]) expect(startedIn(inspected(half))).toBe("unknown");
});
