import { rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "#kit/log.ts";
import { type CgroupParents, cgroupProcesses, makeCgroupParents, parentFolders, removeFolder } from "./cgroups.ts";
import { firewallTable } from "./firewall-rules.ts";
import type { InstanceRecords } from "./instance-records.ts";
import { isRoot, nurseryFolder, socketFolder, viewFolder } from "./machine-places.ts";
import { findProgram } from "./machine-programs.ts";
import { removeViewFiles } from "./mount-view.ts";
import { identify, isAlive, type ProcessId, signalProcess } from "./process-table.ts";
import { markedProcesses } from "./process-tree.ts";
import { runCommand } from "./run-command.ts";
import { releaseUplinks } from "./uplink-forwarding.ts";

export interface LeftoverOptions {
  readonly installation: string;
  readonly stateFolder: string;
  readonly records: InstanceRecords;
  readonly log: Log;
}

/**
 * Ends and removes what an orchestrator of this installation left when it was killed. Only what is provably ours: processes by
 * recorded number *and* start time, those in our control groups, those that carry our mark; folders and tables by our name.
 */
export async function removeLeftovers(options: LeftoverOptions): Promise<number> {
  const parents = makeCgroupParents(options.installation, options.log);
  const recorded = options.records.readAll();
  const ended = new Map<number, ProcessId>();
  const deadline = performance.now() + 10_000;
  // What dies already, with its parent, may still start something: look again until nothing is found.
  for (let found = living(options, parents, recorded); found.length > 0 && performance.now() < deadline; found = living(options, parents, recorded)) {
    for (const process of found) if (signalProcess(process, "SIGKILL")) ended.set(process.pid, process);
    await delay(5);
  }
  for (const { name } of recorded) options.records.remove(name);
  for (const folder of parents === null ? [] : parentFolders(parents)) await removeFolder(folder);
  for (const folder of [socketFolder(options), nurseryFolder(options)]) rmSync(folder, { recursive: true, force: true });
  removeViewFiles(viewFolder(options));
  await removeFirewall(options.installation);
  return ended.size;
}

function living(
  options: LeftoverOptions,
  parents: CgroupParents | null,
  recorded: readonly { readonly processes: readonly ProcessId[] }[],
): readonly ProcessId[] {
  const grouped = (parents === null ? [] : parentFolders(parents)).flatMap((folder) => cgroupProcesses(folder));
  const all = [
    ...recorded.flatMap((record) => record.processes).filter(isAlive),
    ...grouped.map((pid) => identify(pid)).filter((found) => found !== null),
    ...markedProcesses(`${options.installation}/`),
  ];
  return [...new Map(all.map((process) => [process.pid, process])).values()];
}

async function removeFirewall(installation: string): Promise<void> {
  const nft = findProgram("nft");
  if (nft === null || !isRoot()) return;
  // Fails when there is none, which is the usual case.
  await runCommand([nft, "delete", "table", "inet", firewallTable(installation)]);
  releaseUplinks(installation);
}
