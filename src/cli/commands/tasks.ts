import * as api from "#contract/api/tasks.ts";
import { isTaskEnded, type TaskState, taskStates } from "#contract/task.ts";
import { ExitWith, usageError } from "../exit-code.ts";
import { copyOutput, followTask, showPiece } from "../follow-task.ts";
import { needSignIn, type Session } from "../session.ts";
import { type TaskOptions, taskBodyOf } from "../task-options.ts";
import { exitCodeOfTask, outcomeOf } from "../task-outcome.ts";
import { columnsOf, plain } from "../terminal.ts";

/** Queues a script or a command, shows its output and ends with its code; with `--detach` it only says which task it is. */
export async function runTask(
  session: Session,
  what: { readonly name: string; readonly args: readonly string[] },
  options: TaskOptions & Following,
): Promise<void> {
  needSignIn(session);
  const { task } = await session.client.call(api.createTask, { body: taskBodyOf(what.name, what.args, options) });
  await settleTask(session, task, options);
}

/** Queues a task once more, and follows it in the same way. */
export async function rerunTask(session: Session, uid: string, options: Following): Promise<void> {
  needSignIn(session);
  const { task } = await session.client.call(api.rerunTask, { params: { uid } });
  await settleTask(session, task, options);
}

/** Whether to stay until the end. */
export interface Following {
  readonly detach?: boolean;
}

async function settleTask(session: Session, task: api.TaskView, options: Following): Promise<void> {
  if (options.detach) return session.answer({ task }, `${task.uid}\n`);
  session.note(`Task ${task.uid}`, session.style.dim);
  const last = session.isJson ? await awaitTask(session, task) : await followTask(session, task);
  if (session.isJson) await session.answer({ task: last }, "");
  if (last.state !== "succeeded") session.note(outcomeOf(last), session.style.red);
  const code = exitCodeOfTask(last);
  if (code !== 0) throw new ExitWith(code);
}

/** For programs: one JSON value on stdout, hence the output on nobody's screen. */
async function awaitTask(session: Session, task: api.TaskView): Promise<api.TaskView> {
  await copyOutput(session, { uid: task.uid, stream: "stdout" }, async () => undefined);
  return (await session.client.call(api.readTask, { params: { uid: task.uid } })).task;
}

/** How lists are narrowed. */
export interface ListOptions {
  readonly site?: string;
  readonly home?: boolean;
  readonly state?: readonly string[];
  readonly script?: string;
  readonly search?: string;
  readonly since?: string;
  readonly limit?: string;
}

/** Lists the newest tasks. */
export async function showTasks(session: Session, options: ListOptions): Promise<void> {
  needSignIn(session);
  const limit = Number(options.limit ?? "30");
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw usageError("--limit takes a number from 1 to 1000.");
  const found: api.TaskView[] = [];
  let cursor: string | undefined;
  do {
    const page = await session.client.call(api.listTasks, { query: { ...filterOf(options), cursor, limit: Math.min(limit - found.length, 200) } });
    found.push(...page.tasks);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && found.length < limit);
  const rows = found.map((task) => [task.uid, task.state, String(task.code ?? task.signal ?? ""), task.site ?? "-", task.createdAt, took(task), whatOf(task)]);
  const text = rows.length === 0 ? "No tasks.\n" : columnsOf([["UID", "STATE", "CODE", "SITE", "CREATED", "TOOK", "WHAT"], ...rows]);
  await session.answer({ tasks: found }, text);
}

function filterOf({ site, home, script, search, since, state = [] }: ListOptions) {
  const unknown = state.find((asked) => !taskStates.some((known) => known === asked));
  if (unknown !== undefined) throw usageError(`A state is one of ${taskStates.join(", ")}, not ${unknown}.`);
  if (since !== undefined && Number.isNaN(Date.parse(since))) throw usageError("--since takes a date or a moment: 2026-11-22 or 2026-11-22T10:00Z.");
  const from = since === undefined ? {} : { since: new Date(since).toISOString() };
  return { site, script, search, ...from, ...(home ? { home: true } : {}), ...(state.length === 0 ? {} : { state: state as readonly TaskState[] }) };
}

function took({ startedAt, finishedAt }: Pick<api.TaskView, "startedAt" | "finishedAt">): string {
  if (startedAt === null || finishedAt === null) return "";
  const ms = Date.parse(finishedAt) - Date.parse(startedAt);
  return ms < 1000 ? `${Math.max(0, ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Longer ones are cut: `--json` has everything. */
const maxShownCharacters = 60;

function whatOf(task: api.TaskView): string {
  const text = [task.script ?? task.command ?? "", ...task.arguments].join(" ").replaceAll(/\s+/g, " ");
  return text.length > maxShownCharacters ? `${text.slice(0, maxShownCharacters)}…` : text;
}

/** Says what a task is and what became of it, attempt by attempt where there were several. */
export async function showTask(session: Session, uid: string): Promise<void> {
  needSignIn(session);
  const found = await session.client.call(api.readTask, { params: { uid } });
  const { task, attempts } = found;
  const facts = [
    ["uid", task.uid],
    ["what", [task.script ?? task.command ?? "", ...task.arguments].join(" ")],
    ["site", task.site ?? "-"],
    ["state", task.reason === null ? task.state : `${task.state}: ${task.reason}`],
    ["created", `${task.createdAt}${task.createdBy === null ? "" : ` by ${task.createdBy}`}`],
    ["started", task.startedAt ?? "-"],
    ["finished", task.finishedAt ?? "-"],
    ["code", String(task.code ?? task.signal ?? "-")],
    ["cpu", task.cpuMs === null ? "-" : `${task.cpuMs} ms`],
    ["memory", task.peakMemoryBytes === null ? "-" : `${task.peakMemoryBytes} bytes`],
    ["attempt", String(task.attempt)],
  ];
  const earlier = attempts.map(({ attempt, startedAt, finishedAt, end, code, signal, reason }) => [
    `${attempt}`,
    ...[startedAt ?? "-", took({ startedAt, finishedAt }), end, `${code ?? signal ?? ""}`, reason ?? ""],
  ]);
  const table = earlier.length === 0 ? "" : `\nEarlier attempts:\n${columnsOf([["ATTEMPT", "STARTED", "TOOK", "END", "CODE", "WHY"], ...earlier])}`;
  await session.answer(found, `${columnsOf(facts)}${table}`);
}

/** Prints one output of a task; with `follow` until the task has ended. */
export async function taskLogs(session: Session, uid: string, options: { readonly follow?: boolean; readonly stderr?: boolean }): Promise<void> {
  needSignIn(session);
  const stream = options.stderr ? "stderr" : "stdout";
  if (options.follow) {
    return copyOutput(session, { uid, stream }, async (piece) => {
      if (session.isJson) await session.answer({ stream, ...piece }, "");
      // What was asked for is the command's own result, whichever stream it was.
      else await showPiece(session, "stdout", piece);
    });
  }
  const response = await session.client.fetch(api.readTaskLog, { params: { uid, stream } });
  const text = await response.text();
  const next = Number(response.headers.get("x-backlot-next-offset"));
  await session.answerAsIs({ stream, text, next }, session.terminal.isOutTty ? plain(text) : text);
}

/** Cancels a task. */
export async function cancelTask(session: Session, uid: string): Promise<void> {
  needSignIn(session);
  const { task } = await session.client.call(api.cancelTask, { params: { uid } });
  const isOver = isTaskEnded(task.state) && task.state !== "cancelled";
  const state = isOver ? `had ended already. ${outcomeOf(task)}` : `is ${task.state === "cancelled" ? "" : "being "}cancelled.`;
  await session.answer({ task }, `Task ${task.uid} ${state}\n`);
}

/** Lists the scripts that can be run. */
export async function showScripts(session: Session, options: { readonly site?: string }): Promise<void> {
  needSignIn(session);
  const { site } = options;
  const found =
    site === undefined ? await session.client.call(api.listHomeScripts, {}) : await session.client.call(api.listScriptsOfSite, { params: { name: site } });
  const rows = found.scripts.map(({ path, isExecutable, manual, manualProblem }) => [
    path,
    isExecutable ? "" : "not executable",
    (manualProblem ?? manual.title ?? manual.description ?? "").slice(0, maxShownCharacters),
  ]);
  const empty = site === undefined ? "The script library is empty.\n" : `${site} has no scripts. Put them into its folder private/scripts.\n`;
  await session.answer(found, rows.length === 0 ? empty : columnsOf([["SCRIPT", "", "WHAT IT DOES"], ...rows]));
}
