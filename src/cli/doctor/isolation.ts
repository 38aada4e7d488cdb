import { access, constants, readFile } from "node:fs/promises";
import type { Check } from "./check.ts";
import { type Trial, tryProgram } from "./try-program.ts";

/** How programs of sites are kept apart here: each thing is tried and not looked up. */
export async function checkIsolation(isRoot: boolean): Promise<readonly Check[]> {
  return Promise.all([bubblewrap(), userNamespaces(isRoot), controlGroups(isRoot), ...(isRoot ? [virtualLinks(), packetFilter()] : [relay()])]);
}

async function bubblewrap(): Promise<Check> {
  const name = "bubblewrap";
  const args = ["--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"];
  const trial = await tryProgram("bwrap", args);
  if (trial.isFine) return { name, state: "ok", detail: `it runs (${(await tryProgram("bwrap", ["--version"])).firstLine})` };
  if (!trial.isThere) {
    const advice = "Install it: apt install bubblewrap. Without it only administrators may run programs.";
    return { name, state: "missing", detail: "not installed", advice };
  }
  return {
    name,
    state: "missing",
    detail: `it does not run: ${trial.firstLine}`,
    advice: "Allow user namespaces (see the next line), or run Backlot as root.",
  };
}

async function userNamespaces(isRoot: boolean): Promise<Check> {
  const name = "user namespaces";
  const trial = await tryProgram("unshare", ["--user", "--map-root-user", "true"]);
  if (trial.isFine) return { name, state: "ok", detail: "allowed" };
  const detail = trial.isThere ? trial.firstLine : "unshare (util-linux) is not installed";
  if (isRoot) return { name, state: "info", detail: `${detail}; root does not need them` };
  return { name, state: "missing", detail, advice: "Set kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0, by sysctl." };
}

async function controlGroups(isRoot: boolean): Promise<Check> {
  const name = "cgroups";
  const root = "/sys/fs/cgroup";
  const wanted = ["cpu", "memory", "pids"];
  const unified = await readFile(`${root}/cgroup.controllers`, "utf8").catch(() => undefined);
  const version = unified === undefined ? 1 : 2;
  // Version 1 has a folder for each controller; version 2 lists them in one file.
  const places = version === 1 ? wanted.map((controller) => `${root}/${controller}`) : [root];
  const lacking = version === 1 ? await notThere(places) : wanted.filter((controller) => !unified?.split(/\s+/).includes(controller));
  const advice = "Limits of memory and processes are then set by prlimit, which counts less exactly.";
  if (lacking.length === wanted.length) return { name, state: "limited", detail: "not mounted", advice };
  if (lacking.length > 0) return { name, state: "limited", detail: `version ${version} without ${lacking.join(", ")}`, advice };
  const isWritable = await Promise.all(places.map((place) => access(place, constants.W_OK))).then(
    () => true,
    () => false,
  );
  // Only version 1 can count for each run anew; and only root has the folder that kept sandboxes stand on.
  const sandboxes =
    isRoot && version === 1 ? "sandboxes of tasks are kept for the next one that is alike" : "each task gets a new sandbox, which makes short ones slower";
  return isWritable
    ? { name, state: "ok", detail: `version ${version}, writable; ${sandboxes}` }
    : { name, state: "limited", detail: `version ${version}, not writable for this user`, advice };
}

async function notThere(folders: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.allSettled(folders.map((folder) => access(folder)));
  return folders.filter((_, index) => found[index]?.status === "rejected");
}

async function virtualLinks(): Promise<Check> {
  const name = "veth";
  // Tried in a network namespace of its own, which takes the link away with it.
  const trial = await tryProgram("unshare", ["--net", "ip", "link", "add", "bl0", "type", "veth", "peer", "name", "bl1"]);
  return found(name, trial, "Install iproute2 (apt install iproute2). Without it sites are reached through a relay.");
}

async function packetFilter(): Promise<Check> {
  const trial = await tryProgram("unshare", ["--net", "nft", "add", "table", "inet", "backlot_doctor"]);
  return found("nftables", trial, "Install it: apt install nftables. Without it sites have no network of their own by veth.");
}

async function relay(): Promise<Check> {
  const trial = await tryProgram("socat", ["-V"]);
  return found("socat", trial, "Not needed while Backlot brings its own relay; apt install socat adds another.");
}

function found(name: string, trial: Trial, advice: string): Check {
  if (trial.isFine) return { name, state: "ok", detail: "it works" };
  return { name, state: "limited", detail: trial.isThere && trial.firstLine !== "" ? trial.firstLine : "not installed", advice };
}
