import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import { expect, it } from "vitest";
import { StartLost } from "../run.ts";
import { type DisposableContext, disposableSpec, startDisposable } from "./disposable.ts";

const order = {
  installation: "i1",
  kind: "run",
  start: "s1",
  image: "lab:1",
  command: ["/bin/sh", "-c", "true"],
  environment: [],
  workFolder: "/site",
  folders: [],
  owner: { uid: 20_007, gid: 20_007 },
  limits: { cpu: 0.5, memoryBytes: 100_000_000, pids: 64, fileBytes: null },
  hasEgress: false,
  nameServers: [],
  hasTerminal: false,
  hasInput: false,
} as const;

it("a container for one run has no power, no network and no room beyond its limits", () => {
  expect(disposableSpec(order, []).HostConfig).toMatchObject({
    Init: true,
    ReadonlyRootfs: true,
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges"],
    Memory: 100_000_000,
    MemorySwap: 100_000_000,
    NanoCpus: 500_000_000,
    PidsLimit: 64,
    NetworkMode: "none",
    RestartPolicy: { Name: "no" },
  });
});

it("bounds what it writes where its image declares a volume, as it bounds /tmp", () => {
  const mounts = disposableSpec({ ...order, folders: [{ source: "/data/sites/7", target: "/site", isWritable: true }] }, ["/data", "/site"]).HostConfig?.Mounts;
  expect(mounts?.map(({ Target: target, Type: type }) => `${type} ${target}`)).toEqual([
    "bind /site",
    "tmpfs /tmp",
    "tmpfs /dev/shm",
    "tmpfs /run",
    "tmpfs /data",
  ]);
  expect(mounts?.at(-1)?.TmpfsOptions).toEqual(mounts?.find(({ Target: target }) => target === "/tmp")?.TmpfsOptions);
});

const hangUp = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
const refusal = Object.assign(new Error("OCI runtime create failed: no such thing"), { statusCode: 400 });
const patience = { timeout: 20_000, interval: 5 };

/** An engine that answers each question as it is told: the first ones with these errors, and then well. */
function engine(errors: Readonly<Partial<Record<"start" | "inspect" | "remove", readonly Error[]>>>) {
  const asked = { start: 0, inspect: 0, remove: 0 };
  const answer = async <T>(question: keyof typeof asked, value: T): Promise<T> => {
    const error = errors[question]?.[asked[question]];
    asked[question] += 1;
    if (error !== undefined) throw error;
    return value;
  };
  const container = {
    attach: async () => new PassThrough(),
    start: () => answer("start", undefined),
    inspect: () => answer("inspect", { State: { Running: true, Pid: process.pid }, NetworkSettings: { Ports: {}, Networks: {} } }),
    remove: () => answer("remove", undefined),
  };
  const docker = {
    createContainer: async () => container,
    getContainer: () => container,
    getImage: () => ({ inspect: async () => ({ Config: {} }) }),
  };
  let forgotten = 0;
  const context: DisposableContext = {
    // Only what is asked of it here.
    docker: docker as unknown as Docker,
    events: { listen: () => undefined, forget: () => void forgotten++, isClosed: false },
    shells: { demand: async () => undefined },
    inEngineNetwork: [],
    patienceMs: 0,
  };
  return { context, asked, forgotten: () => forgotten };
}

it("asks again what became of a container that was started, and starts no other one", async () => {
  const { context, asked } = engine({ inspect: [hangUp, hangUp] });
  const disposable = await startDisposable({ ...context, patienceMs: 20_000 }, order);
  expect([disposable.init?.pid, asked]).toEqual([process.pid, { start: 1, inspect: 3, remove: 0 }]);
});

it("says that a start is lost when nobody can tell what became of it, and removes the container however often that fails", async () => {
  const { context, asked, forgotten } = engine({ inspect: [hangUp], remove: [hangUp, hangUp] });
  await expect(startDisposable(context, order)).rejects.toBeInstanceOf(StartLost);
  expect(forgotten()).toBe(1);
  await expect.poll(() => asked, patience).toEqual({ start: 1, inspect: 1, remove: 3 });
});

it("takes a start for lost whose answer did not come, and not one that was refused or not heard", async () => {
  const errorOf = (error: Error) => startDisposable(engine({ start: [error] }).context, order).catch((thrown: unknown) => thrown);
  expect(await errorOf(hangUp)).toBeInstanceOf(StartLost);
  expect(await errorOf(refusal)).toMatchObject({ code: "image_unusable" });
  const away = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  expect(await errorOf(away)).toBe(away);
});
