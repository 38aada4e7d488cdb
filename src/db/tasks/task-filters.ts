import { type SelectQueryBuilder, sql } from "kysely";
import type { Actor } from "#core/accounts/user.ts";
import type { TaskFilter } from "#core/tasks/task-store.ts";
import { cleanText } from "../clean-text.ts";
import { isRowNumber, isRowUuid } from "../row-id.ts";
import type { Tables } from "../tables.ts";

type TaskQuery<O> = SelectQueryBuilder<Tables, "tasks", O>;

/** Whether this person may see a task: one of a site that they are a member of; administrators see all, also those of the home folder. */
export function isVisibleTo(actor: Actor) {
  if (actor.user.role === "administrator") return sql<boolean>`true`;
  return sql<boolean>`tasks.site_id in (select site_id from site_members where user_id = ${actor.user.id})`;
}

/** Narrows a query to what a person asked for. */
export function filtered<O>(query: TaskQuery<O>, filter: TaskFilter): TaskQuery<O> {
  const { siteId, isHome, states, script, scheduleId, search, since, until } = filter;
  let narrowed = query;
  if (siteId !== undefined) narrowed = isRowNumber(siteId) ? narrowed.where("tasks.siteId", "=", siteId) : narrowed.where(sql<boolean>`false`);
  if (isHome === true) narrowed = narrowed.where("tasks.siteId", "is", null).where("tasks.siteName", "is", null);
  if (isHome === false) narrowed = narrowed.where("tasks.siteName", "is not", null);
  if (states !== undefined) narrowed = narrowed.where("tasks.state", "in", states.length === 0 ? [sql<never>`null`] : [...states]);
  // By its digest, which the index has; a digest is not a proof.
  if (script !== undefined) narrowed = narrowed.where(sql<boolean>`md5(tasks.script) = md5(${cleanText(script)}) and tasks.script = ${cleanText(script)}`);
  if (scheduleId !== undefined) narrowed = isRowUuid(scheduleId) ? narrowed.where("tasks.scheduleId", "=", scheduleId) : narrowed.where(sql<boolean>`false`);
  if (search !== undefined && search !== "") narrowed = narrowed.where(matches(cleanText(search)));
  if (since !== undefined) narrowed = narrowed.where("tasks.createdAt", ">=", since);
  if (until !== undefined) narrowed = narrowed.where("tasks.createdAt", "<", until);
  return narrowed;
}

function matches(search: string) {
  const part = search.toLowerCase();
  return sql<boolean>`(strpos(lower(tasks.script), ${part}) > 0
    or strpos(lower(tasks.program ->> 'command'), ${part}) > 0
    or exists (select from json_array_elements_text(tasks.arguments) as argument where strpos(lower(argument), ${part}) > 0)
    or starts_with(tasks.uid::text, ${part}))`;
}
