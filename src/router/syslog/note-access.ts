import { Failure } from "#contract/failure.ts";
import type { TroubleReport } from "../front/trouble-report.ts";
import { isVisit } from "../gate/waking-visit.ts";
import type { RouteTable } from "../routes/route-table.ts";
import type { TrafficBook } from "../traffic/traffic-book.ts";
import type { AccessLine } from "./access-line.ts";
import type { AccessLog } from "./access-log.ts";

/** Who hears of requests that never came through this router. */
export interface AccessListeners {
  readonly table: RouteTable;
  readonly access: AccessLog;
  readonly traffic: TrafficBook;
  readonly troubles: TroubleReport;
  /** A visitor was at a site that is awake. */
  readonly visited: (siteId: number) => void;
}

/** Takes a line of the balancer's log in: for the site's access log, its own log, and the clock by which it goes to sleep. */
export function noteAccess(line: AccessLine, { table, access, traffic, troubles, visited }: AccessListeners): void {
  const siteId = siteOf(line, table);
  // A line may come behind the end of its site, of which nothing is kept any more.
  if (siteId === null || table.byId(siteId) === undefined) return;
  access.note(siteId, line);
  traffic.note(siteId, { status: line.s, bytes: Math.max(0, line.b) });
  // What came to the activator was seen to there.
  if (line.q !== "live/kept" && line.q !== "live/fresh") return;
  const purpose = line.u === "" ? undefined : line.u;
  if (isVisit({ method: line.m, path: line.p, userAgent: line.a, purpose }, table.byId(siteId)?.botsWake ?? false)) visited(siteId);
  const failure = failureOf(line);
  if (line.s >= 500) troubles.note(siteId, { method: line.m, path: line.p, status: line.s, failure });
}

// The map's own word on live sites: the host may belong to another by now.
function siteOf(line: AccessLine, table: RouteTable): number | null {
  const told = /^live\|.*\|(\d{1,15})$/.exec(line.r)?.[1];
  return told === undefined ? (table.byHost(line.h)?.siteId ?? null) : Number(told);
}

// HAProxy's two letters: who ended it (S, s: the program, by closing or by silence), and in which phase.
function failureOf({ s, e }: AccessLine): Failure | null {
  if (e.startsWith("-")) return null;
  if (s === 504) return new Failure("site_too_slow", { seconds: "too many" });
  return new Failure("site_unreachable", { reason: "it ended the connection before it had answered" });
}
