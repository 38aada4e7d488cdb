import { type RawBuilder, sql } from "kysely";

/**
 * The lanes under a prefix. A lane is SITE/SCRIPT/SCHEDULE/PERSON: a site's number (empty for the home folder, a question mark for a site that is gone), what
 * limits a script, the schedule, and who queued the task. "0" is the sign after "/".
 */
function laneRange(lane: RawBuilder<string>, prefix: RawBuilder<unknown>) {
  return sql<boolean>`${lane} >= ${prefix} || '/' and ${lane} < ${prefix} || '0'`;
}

/** The lanes of a site's tasks; null: of sites that are gone. */
export function lanesOfSite(siteId: number | null) {
  return laneRange(sql.ref("lane"), sql`${siteId === null ? "?" : String(siteId)}::text`);
}
