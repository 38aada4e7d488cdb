import { expect, it } from "vitest";
import { disposableSpec } from "./disposable.ts";

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
