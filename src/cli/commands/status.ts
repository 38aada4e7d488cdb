import { readUsage } from "#contract/api/files.ts";
import { listSiteOperations } from "#contract/api/operations.ts";
import { readSite } from "#contract/api/sites.ts";
import { needSignIn, type Session } from "../session.ts";
import { bytesText, columnsOf } from "../terminal.ts";

/** Says what a site does right now, and why, with its space and its last operation. */
export async function status(session: Session, name: string): Promise<void> {
  needSignIn(session);
  const params = { name };
  const [{ site }, usage, { operations }] = await Promise.all([
    session.client.call(readSite, { params }),
    // Counted by the orchestrator, which may be away: the rest is still worth saying.
    session.client.call(readUsage, { params }).catch(() => null),
    session.client.call(listSiteOperations, { params, query: { limit: 1 } }),
  ]);
  const last = operations[0] ?? null;
  const rows = [
    ["address", site.url],
    ["kind", site.kind],
    ["state", `${site.state}${site.status.reason === null ? "" : `: ${site.status.reason}`}`],
    ["since", site.status.since],
    ...(usage === null ? [] : [["files", `${bytesText(usage.bytes)} of ${bytesText(usage.limitBytes)} in ${usage.files} files`]]),
    ...(last === null ? [] : [["last operation", `${last.kind} ${last.state}${last.failure === null ? "" : `: ${last.failure.title}`}`]]),
  ];
  await session.answer({ site, usage, operation: last }, columnsOf(rows));
}
