import type { Actor } from "../accounts/user.ts";
import type { AuditEntry } from "../audit/audit-store.ts";
import type { ActorSite } from "../sites/site.ts";
import type { NewTask, Task } from "./task.ts";

type Noted = Pick<NewTask & Task, "uid" | "program" | "arguments" | "environmentNames" | "rerunOf">;

/** Longer ones are cut: the trail says what was done, the task itself keeps all of it. */
const maxNotedCharacters = 500;

/** What the audit trail keeps of a task. */
export function taskDetails(task: Noted, dropped: readonly string[] = []): Readonly<Record<string, unknown>> {
  const { program } = task;
  return {
    uid: task.uid,
    ...(program.kind === "script" ? { script: program.path } : { command: program.command.slice(0, maxNotedCharacters) }),
    arguments: JSON.stringify(task.arguments).slice(0, maxNotedCharacters),
    // Names only: values are secrets as often as not.
    ...(task.environmentNames.length === 0 ? {} : { environment: task.environmentNames }),
    ...(dropped.length === 0 ? {} : { environmentDropped: dropped }),
    ...(task.rerunOf === null ? {} : { rerunOf: task.rerunOf }),
  };
}

/** What the audit trail says when someone queues a task. */
export function creationNote(actor: Actor, task: Noted, site: ActorSite | null): AuditEntry {
  return {
    actorId: actor.user.id,
    actorName: actor.user.username,
    door: actor.door,
    address: actor.address,
    action: "tasks.create",
    siteId: site?.id ?? null,
    siteName: site?.name ?? null,
    details: taskDetails(task),
  };
}
