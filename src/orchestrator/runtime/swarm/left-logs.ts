import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isLogMoment, type LogMoment, momentOf } from "./log-moment.ts";

const leaveFile = "left-at";

/** From when on the next orchestrator has to hand on what programs print. */
export interface LeftLogs {
  /** When the one before went, in milliseconds since 1970. */
  readonly at: number;
  /** Just after what it handed on last, by the start of the program. */
  readonly moments: Readonly<Record<string, unknown>>;
}

/** A program that goes on without this orchestrator. */
interface LeftProgram {
  readonly start: string;
  leave(): Promise<LogMoment>;
}

/** Leaves programs, and keeps for the next one from when on it has to tell what they print. */
export async function leaveLogs(folder: string, left: { readonly at: number; readonly programs: readonly Promise<LeftProgram>[] }): Promise<void> {
  const { at, programs } = left;
  // Whoever is killed in the middle has said this much.
  noteLeaving(folder, { at, moments: {} });
  const leaving = programs.map((starting) => starting.then(async (program) => [program.start, await program.leave()] as const).catch(() => null));
  const moments = (await Promise.all(leaving)).filter((moment) => moment !== null);
  noteLeaving(folder, { at, moments: Object.fromEntries(moments) });
}

function noteLeaving(folder: string, left: LeftLogs): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, leaveFile), JSON.stringify(left), { mode: 0o600 });
}

/** What the one before has kept, once: of one that is killed later nobody knows what it has handed on. Null when it could not say. */
export function takeLeftLogs(folder: string, now: number): LeftLogs | null {
  const file = join(folder, leaveFile);
  try {
    const found: unknown = JSON.parse(readFileSync(file, "utf8"));
    rmSync(file);
    if (typeof found !== "object" || found === null || !("at" in found) || !("moments" in found)) return null;
    const { at, moments } = found;
    if (typeof at !== "number" || at <= 0 || at > now || typeof moments !== "object" || moments === null) return null;
    return { at, moments: moments as Readonly<Record<string, unknown>> };
  } catch {
    return null; // there was none, or it was killed
  }
}

/** From when on a program's log is handed on. */
export function momentOfStart(left: LeftLogs | null, start: string, now: number): LogMoment {
  const moment = left?.moments[start];
  return isLogMoment(moment) ? moment : momentOf(left?.at ?? now);
}
