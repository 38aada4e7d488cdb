// How soon a HAProxy that has just come up has all its routes, in its own words.
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

/** From its first answer until it was told all its routes anew, in milliseconds. Called when the one before is dead. */
export async function refillMs(data: string, patienceMs = 60_000): Promise<number> {
  const deadline = performance.now() + patienceMs;
  let answeredAt: number | null = null;
  while (performance.now() < deadline) {
    const held = await heldMap(data).catch(() => null);
    if (held !== null) answeredAt ??= performance.now();
    if (held !== null && held.version > 0) return performance.now() - (answeredAt ?? 0);
    await delay(1);
  }
  throw new Error("HAProxy was not told its routes");
}
