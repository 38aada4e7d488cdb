import { setTimeout as delay } from "node:timers/promises";
import { cancelTask, readTask, readTaskLog, type TaskView, taskOutput } from "#contract/api/tasks.ts";
import { readEvents } from "#contract/events.ts";
import { isTaskEnded, type LogStream } from "#contract/task.ts";
import { CliError, ExitWith } from "./exit-code.ts";
import { ask } from "./prompt.ts";
import { isServerAway } from "./server-away.ts";
import type { Session } from "./session.ts";
import { plain } from "./terminal.ts";

/** How long a server may be away (a restart, an update) before following gives up, in milliseconds. */
const patienceMs = 60_000;
const interruptedCode = 130;

/** A piece of output as it comes. */
export type OutputPiece = ReturnType<typeof taskOutput.parse>;

/** Shows both outputs of a task until it has ended. Ctrl-C leaves the task alone unless the person says otherwise. */
export async function followTask(session: Session, task: TaskView): Promise<TaskView> {
  const stop = new AbortController();
  const unlisten = session.terminal.onInterrupt(() => stop.abort());
  try {
    const copies = (["stdout", "stderr"] as const).map((stream) =>
      copyOutput(session, { uid: task.uid, stream, signal: stop.signal }, (piece) => showPiece(session, stream, piece)),
    );
    await Promise.all(copies);
    return (await session.client.call(readTask, { params: { uid: task.uid } })).task;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return await leave(session, task);
  } finally {
    // Not earlier: a second Ctrl-C of the same keystroke must not end the process before it has said what it leaves behind.
    unlisten();
  }
}

/** Hands out one output of a task until the task has ended, through restarts of the server. */
export async function copyOutput(
  session: Session,
  from: { readonly uid: string; readonly stream: LogStream; readonly signal?: AbortSignal },
  take: (piece: OutputPiece) => Promise<void>,
): Promise<void> {
  const { uid, stream, signal } = from;
  let offset = 0;
  // Besides the offset it names the attempt: when the task was tried again meanwhile, the new output is shown from its beginning.
  let lastId: string | undefined;
  let awaySince: number | undefined;
  while (true) {
    try {
      const query = { offset, follow: true };
      const response = await session.client.fetch(readTaskLog, {
        params: { uid, stream },
        query,
        headers: lastId === undefined ? {} : { "last-event-id": lastId },
        ...(signal === undefined ? {} : { signal }),
      });
      // Whatever cuts the stream from here on, hours later perhaps, begins a new absence.
      awaySince = undefined;
      if (response.body !== null) {
        for await (const event of readEvents(response.body)) {
          const piece = taskOutput.parse(JSON.parse(event.data));
          await take(piece);
          offset = piece.next;
          lastId = event.id;
        }
      }
      // A stream ends with the task, or with the server that sent it.
      if (isTaskEnded((await session.client.call(readTask, { params: { uid } })).task.state)) return;
    } catch (error) {
      if (signal?.aborted || !isServerAway(error)) throw error;
      awaySince ??= Date.now();
      if (Date.now() - awaySince > patienceMs) throw error;
    }
    await delay(250, undefined, signal === undefined ? {} : { signal });
  }
}

/** Output on a terminal must not drive it; a pipe gets every character as it is. */
export async function showPiece(session: Session, stream: LogStream, { text, skipped }: OutputPiece): Promise<void> {
  const { terminal, style } = session;
  if (skipped > 0) session.note(`— ${skipped} bytes of ${stream} were not kept —`, style.dim);
  if (stream === "stdout") await terminal.out(terminal.isOutTty ? plain(text) : text);
  else terminal.err(terminal.isErrTty ? plain(text) : text);
}

async function leave(session: Session, task: TaskView): Promise<never> {
  const { uid } = task;
  if (await wantsCancel(session)) {
    await session.client.call(cancelTask, { params: { uid } });
    session.note(`Task ${uid} is being cancelled.`);
  } else {
    session.note(`Task ${uid} goes on. See it by \`backlot task logs ${uid} -f\`, end it by \`backlot task cancel ${uid}\`.`);
  }
  throw new ExitWith(interruptedCode);
}

async function wantsCancel({ terminal }: Session): Promise<boolean> {
  if (!terminal.isInputTty || !terminal.isErrTty) return false;
  try {
    return /^y(es)?$/i.test((await ask(terminal, "\nCancel the task too? [y/N] ")).trim());
  } catch (error) {
    // Ctrl-C once more is no yes.
    if (error instanceof CliError) return false;
    throw error;
  }
}
