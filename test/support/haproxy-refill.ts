// How soon a HAProxy that has just come up has all its routes, in its own words.
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { commandSocket } from "#router/edge/haproxy/command-socket.ts";
import { edgeUser, prepareRunFolder } from "#router/edge/run-folder.ts";

/** What HAProxy says of its map of routes. */
export interface HeldMap {
  /** Grows when all of it is exchanged; 0: it is what HAProxy read from the file at its start. */
  readonly version: number;
  readonly entries: number;
}

/** @throws while it does not answer. */
export async function heldMap(data: string): Promise<HeldMap> {
  const folder = await prepareRunFolder(data, edgeUser(undefined));
  const answer = await commandSocket(path.join(folder, "commands.sock"))("show map");
  const [, version, entries] = /routes\.map\).*curr_ver=(\d+) next_ver=\d+ entry_cnt=(\d+)/.exec(answer) ?? [];
  if (version === undefined) throw new Error(`HAProxy has no map: ${answer}`);
  return { version: Number(version), entries: Number(entries) };
}

/** How long a refill took. */
export interface Refill {
  /** From HAProxy's first answer until it was told all its routes anew. */
  readonly clockMs: number;
  /** The same without the time in which the one of them that waited longest for a processor did so: a machine with nothing else to do takes less. */
  readonly unhinderedMs: number;
}

/** Watches a refill of the map by the router that is process `routerPid`. Called when the HAProxy before is dead. */
export async function watchRefill(data: string, routerPid: number, patienceMs = 60_000): Promise<Refill> {
  const commands = commandSocket(path.join(await prepareRunFolder(data, edgeUser(undefined)), "commands.sock"));
  const deadline = performance.now() + patienceMs;
  let first: { readonly at: number; readonly waited: readonly number[]; readonly pids: readonly number[] } | null = null;
  while (performance.now() < deadline) {
    const held = await heldMap(data).catch(() => null);
    if (held !== null && first === null) {
      const at = performance.now();
      const haproxy = Number(/^Pid: (\d+)$/m.exec(await commands("show info"))?.[1]);
      // This process asks whether it is done, and is one of those who wait.
      const pids = [routerPid, haproxy, process.pid];
      first = { at, waited: waitedMs(pids), pids };
    }
    if (held !== null && held.version > 0 && first !== null) {
      const clockMs = performance.now() - first.at;
      const before = first.waited;
      // Waits of several fall together or not, so that they cannot be added up.
      const waited = Math.max(...waitedMs(first.pids).map((ms, index) => ms - (before[index] ?? 0)));
      return { clockMs, unhinderedMs: clockMs - waited };
    }
    await delay(1);
  }
  throw new Error("HAProxy was not told its routes");
}

/** For how long the first thread of each process was ready to run and had no processor, by the kernel's count. */
function waitedMs(pids: readonly number[]): readonly number[] {
  return pids.map((pid) => Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1_000_000);
}
