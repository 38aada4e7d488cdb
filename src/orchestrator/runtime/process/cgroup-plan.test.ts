import { expect, it } from "vitest";
import { cgroupWrites, findCgroupHome, oomFile, oomKills } from "./cgroup-plan.ts";

const limits = { memoryBytes: 100_000_000, cpu: 0.6, pids: 128 };

it("limits memory, processor and processes under version 1", () => {
  expect(cgroupWrites(1, limits).map(({ controller, file, value, isOptional }) => `${controller}/${file} = ${value}${isOptional ? "?" : ""}`)).toEqual([
    "memory/memory.limit_in_bytes = 100000000",
    "memory/memory.memsw.limit_in_bytes = 100000000?",
    "cpu/cpu.cfs_period_us = 100000",
    "cpu/cpu.cfs_quota_us = 60000",
    "pids/pids.max = 130",
  ]);
});

it("limits the same under version 2, and allows no swap", () => {
  expect(cgroupWrites(2, limits).map(({ controller, file, value, isOptional }) => `${controller}/${file} = ${value}${isOptional ? "?" : ""}`)).toEqual([
    "memory/memory.max = 100000000",
    "memory/memory.swap.max = 0?",
    "cpu/cpu.max = 60000 100000",
    "pids/pids.max = 130",
  ]);
});

it("finds the groups of version 1 by controller, its own first", () => {
  const mounts = [
    "tmpfs /sys/fs/cgroup tmpfs rw 0 0",
    "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0",
    "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0",
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0",
  ].join("\n");
  const own = "4:memory:/some/where\n2:cpu,cpuacct:/\n0::/\n";
  expect(findCgroupHome(mounts, own)).toEqual({
    version: 1,
    folders: { memory: ["/sys/fs/cgroup/memory/some/where", "/sys/fs/cgroup/memory"], cpu: ["/sys/fs/cgroup/cpu,cpuacct"] },
    freezer: ["/sys/fs/cgroup/unified"],
    accounting: ["/sys/fs/cgroup/cpu,cpuacct"],
  });
});

it("finds the one folder of version 2, and nothing where there are no groups", () => {
  const folder = ["/sys/fs/cgroup"];
  expect(findCgroupHome("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "0::/user.slice\n")).toEqual({
    version: 2,
    folders: { memory: folder, cpu: folder, pids: folder },
    freezer: folder,
    accounting: [],
  });
  expect(findCgroupHome("proc /proc proc rw 0 0\n", "")).toBeNull();
});

it("counts what the memory limit ended", () => {
  expect([oomFile(1), oomFile(2)]).toEqual(["memory.oom_control", "memory.events"]);
  expect(oomKills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")).toBe(3);
  expect(oomKills("low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n")).toBe(1);
  expect(oomKills("oom_kill_disable 0\n")).toBe(0);
});
