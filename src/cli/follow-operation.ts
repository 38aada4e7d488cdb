import { setTimeout as delay } from "node:timers/promises";
import { followOperation as followEndpoint, readOperation } from "#contract/api/operations.ts";
import { type OperationView, operationView } from "#contract/api/views.ts";
import { readEvents } from "#contract/events.ts";
import { CliError } from "./exit-code.ts";
import { isServerAway } from "./server-away.ts";
import type { Session } from "./session.ts";
import { plain } from "./terminal.ts";

/** How long a server may be away (a restart, an update) before following an operation gives up, in milliseconds. */
const patienceMs = 60_000;

/** Follows an operation until it has ended, telling each step as it ends. Throws when it failed, with its own sentence. */
export async function awaitOperation(session: Session, operation: OperationView): Promise<OperationView> {
  const tell = stepTeller(session);
  let last = operation;
  let awaySince: number | undefined;
  tell(last);
  while (!hasEnded(last)) {
    try {
      for await (const next of progressOf(session, operation.id)) {
        awaySince = undefined;
        last = next;
        tell(last);
      }
      // A stream that ends early (the server restarts) leaves the last word to the row itself.
      if (!hasEnded(last)) last = (await session.client.call(readOperation, { params: { id: operation.id } })).operation;
      awaySince = undefined;
      tell(last);
    } catch (error) {
      if (!isServerAway(error)) throw error;
      awaySince ??= Date.now();
      if (Date.now() - awaySince > patienceMs) throw error;
    }
    if (!hasEnded(last)) await delay(250);
  }
  if (last.state === "failed") {
    throw new CliError(last.failure?.code ?? "operation_failed", last.failure?.title ?? "The operation failed.", { details: { operation: last.id } });
  }
  return last;
}

/** Waits for an operation unless the person said not to. */
export async function settle(session: Session, operation: OperationView, options: { readonly wait?: boolean }): Promise<OperationView> {
  return options.wait === false ? operation : awaitOperation(session, operation);
}

async function* progressOf(session: Session, id: string): AsyncGenerator<OperationView> {
  const response = await session.client.fetch(followEndpoint, { params: { id } });
  if (response.body === null) return;
  for await (const event of readEvents(response.body)) yield operationView.parse(JSON.parse(event.data));
}

function hasEnded(operation: OperationView): boolean {
  return operation.state === "succeeded" || operation.state === "failed";
}

function stepTeller(session: Session): (operation: OperationView) => void {
  const told = new Set<string>();
  const { terminal, style } = session;
  const wipe = terminal.isErrTty ? "\r\u001b[K" : "";
  return (operation) => {
    for (const step of operation.steps) {
      if ((step.state !== "succeeded" && step.state !== "failed") || told.has(step.name)) continue;
      told.add(step.name);
      const mark = step.state === "succeeded" ? style.green("✓") : style.red("✗");
      const took =
        step.startedAt === null || step.finishedAt === null ? "" : style.dim(` ${secondsText(Date.parse(step.finishedAt) - Date.parse(step.startedAt))}`);
      const message = step.message === null ? "" : style.dim(` (${plain(step.message)})`);
      terminal.err(`${wipe}${mark} ${plain(step.title)}${message}${took}\n`);
    }
    const current = operation.steps.find((step) => step.state === "running");
    if (!terminal.isErrTty || hasEnded(operation) || current === undefined) return;
    const again = current.attempt > 1 ? ` (attempt ${current.attempt})` : "";
    terminal.err(`${wipe}${style.dim("…")} ${plain(current.title).slice(0, terminal.columns - 20)}${again}`);
  };
}

function secondsText(ms: number): string {
  return ms < 1000 ? `${Math.max(0, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}
