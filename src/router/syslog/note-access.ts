import { Failure } from "#contract/failure.ts";
import type { TroubleReport } from "../front/trouble-report.ts";
import { isVisit, type VisitFacts } from "../gate/waking-visit.ts";
import type { RouteTable } from "../routes/route-table.ts";
import type { TrafficBook } from "../traffic/traffic-book.ts";
import type { AccessLine, AccessWords } from "./access-line.ts";
import type { AccessLog } from "./access-log.ts";

/** Who hears of requests that never came through this router. */
export interface AccessListeners {
  readonly table: RouteTable;
  readonly access: AccessLog;
  readonly traffic: TrafficBook;
  readonly troubles: TroubleReport;
  /** Somebody was at a site that is awake; whether it was a visitor is judged only when that tells anything new. */
  readonly visited: (siteId: number, isVisit: () => boolean) => void;
}

/** Takes a line of the balancer's log in: for the site's access log, its own log, and the clock by which it goes to sleep. */
export function noteAccess(line: AccessLine, { table, access, traffic, troubles, visited }: AccessListeners): void {
  // The map's own word first: the host may belong to another site by now.
  const siteId = line.siteId ?? table.byHost(line.words?.h ?? "")?.siteId;
  const route = siteId === undefined ? undefined : table.byId(siteId);
  // A line may come behind the end of its site, of which nothing is kept any more.
  if (siteId === undefined || route === undefined) return;
  access.note(siteId, line);
  traffic.note(siteId, { status: line.status, bytes: line.bytes });
  // What came to the activator was seen to there.
  if (line.server !== "live/kept" && line.server !== "live/fresh") return;
  visited(siteId, () => line.words !== null && isVisit(visitOf(line.words), route.botsWake));
  if (line.status < 500 || line.words === null) return;
  troubles.note(siteId, { method: line.words.m, path: line.words.p, status: line.status, failure: failureOf(line) });
}

function visitOf({ m, p, a, u }: AccessWords): VisitFacts {
  return { method: m, path: p, userAgent: a, purpose: u === "" ? undefined : u };
}

// HAProxy's two letters: who ended it (S, s: the program, by closing or by silence), and in which phase.
function failureOf({ status, ending }: AccessLine): Failure | null {
  if (ending.startsWith("-")) return null;
  if (status === 504) return new Failure("site_too_slow", { seconds: "too many" });
  return new Failure("site_unreachable", { reason: "it ended the connection before it had answered" });
}
