// What this machine lacks for a suite, in words for the suite's title: `describe.skipIf(why !== null)(titled("…", why), …)`.
// scripts/prepare.mjs installs all of it where it may, and test/real-parts.test.ts lets .ci/run be without none of it.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findProgram } from "#orchestrator/runtime/process/machine-programs.ts";

/** Null when nothing is missing. */
export type Missing = string | null;

/** A title that says what a suite is left out for. */
export function titled(title: string, why: Missing): string {
  return why === null ? title : `${title} (left out: ${why})`;
}

/** The first thing that is missing. */
export function firstMissing(...all: readonly Missing[]): Missing {
  return all.find((each) => each !== null) ?? null;
}

/** Why a client or a server of the system cannot be run. */
export function whyNoProgram(...names: readonly string[]): Missing {
  const missing = names.filter((name) => findProgram(name) === null);
  return missing.length === 0 ? null : `not installed: ${missing.join(", ")}`;
}

export function whyNotPython(): Missing {
  return whyNoProgram("python3");
}

export function whyNotRoot(): Missing {
  return process.getuid?.() === 0 ? null : "not root";
}

export function whyNoRedis(): Missing {
  return whyNoProgram("redis-server");
}

export function whyNoBrowser(): Missing {
  return whyNoProgram("chromium", "chromedriver");
}

let sandbox: Missing | undefined;

/** Why programs of sites cannot be isolated: bubblewrap, and what it is refused. */
export function whyNoSandbox(): Missing {
  sandbox ??= tryBubblewrap();
  return sandbox;
}

function tryBubblewrap(): Missing {
  const bwrap = findProgram("bwrap");
  if (bwrap === null) return "not installed: bubblewrap";
  const { status, stderr } = spawnSync(bwrap, ["--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "/bin/true"], { encoding: "utf8" });
  return status === 0 ? null : `bubblewrap cannot isolate here: ${stderr.trim()}`;
}

/** Why sites cannot have networks of their own. */
export function whyNoNetworks(): Missing {
  return firstMissing(whyNotRoot(), whyNoSandbox(), whyNoProgram("ip", "nft"));
}

/** Why no sandbox is kept for the next run: only version 1 of control groups counts the memory of each run anew. */
export function whyNoWarmSandbox(): Missing {
  const hasVersionOne = readFileSync("/proc/self/mounts", "utf8").includes("/cgroup/memory ");
  return firstMissing(whyNotRoot(), whyNoSandbox(), hasVersionOne ? null : "control groups of version 2 count no run's memory anew");
}

/** Why supervisor's own code cannot read its configuration: Debian's Python has it where Debian's package is installed. */
export function whyNoSupervisor(): Missing {
  const { status } = spawnSync("/usr/bin/python3", ["-c", "import supervisor"]);
  return firstMissing(whyNoProgram("supervisord"), status === 0 ? null : "/usr/bin/python3 has no supervisor");
}

/** Why a file system of the test's own cannot be mounted. */
export function whyNoMounts(): Missing {
  if (process.getuid?.() !== 0) return "not root";
  const { status, stderr } = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/tmp"], { encoding: "utf8" });
  return status === 0 ? null : `nothing can be mounted here: ${stderr.trim()}`;
}
