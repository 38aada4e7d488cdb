import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { identify, isAlive } from "./process-table.ts";

// An interface forwards only if the kernel is told so for it. Several Backlots may need the same one: each says so by a file of its own,
// with the value from before the first of them; the last one puts that back.

const note = z.object({ before: z.enum(["0", "1"]), pid: z.int(), startTime: z.string() });
type Note = z.output<typeof note>;

const folder = "/run/backlot-uplinks";

/** The kernel's switch for one interface. The global one, `ip_forward`, stays as it is. */
export function forwardingFile(name: string): string {
  return `/proc/sys/net/ipv4/conf/${name}/forwarding`;
}

/** Lets an interface to the outside forward; says whether it does so because of Backlots alone. */
export function holdUplink(installation: string, name: string): boolean {
  // First the switch, then the notes: whoever threw the switch had written its note before.
  const now: Note["before"] = readFileSync(forwardingFile(name), "utf8").trim() === "0" ? "0" : "1";
  // Those of killed ones count here: they changed it and never put it back.
  const before = notesOf(name).some((other) => other.note.before === "0") ? "0" : now;
  const own: Note = { before, pid: process.pid, startTime: identify(process.pid)?.startTime ?? "" };
  mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, name, installation), JSON.stringify(own), { mode: 0o600 });
  if (now === "0") writeFileSync(forwardingFile(name), "1");
  return before === "0";
}

/** Puts back what this installation changed, now or before it was killed, unless another still needs it. */
export function releaseUplinks(installation: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const mine = notesOf(name).find((other) => other.installation === installation);
    if (mine === undefined) continue;
    rmSync(join(folder, name, installation), { force: true });
    if (notesOf(name).some((other) => isAlive(other.note))) continue;
    if (mine.note.before === "0" && existsSync(forwardingFile(name))) writeFileSync(forwardingFile(name), "0");
    rmSync(join(folder, name), { recursive: true, force: true });
  }
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

function notesOf(name: string): readonly { readonly installation: string; readonly note: Note }[] {
  const place = join(folder, name);
  if (!existsSync(place)) return [];
  return readdirSync(place).flatMap((installation) => {
    const found = note.safeParse(parsed(readFileSync(join(place, installation), "utf8")));
    return found.success ? [{ installation, note: found.data }] : [];
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // cut off by a crash
  }
}
