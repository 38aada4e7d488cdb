import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { readLogs } from "#contract/api/sites.ts";
import { readEvents } from "#contract/events.ts";
import { usageError } from "../exit-code.ts";
import { RepeatedLines } from "../repeated-lines.ts";
import { isServerAway } from "../server-away.ts";
import { needSignIn, type Session } from "../session.ts";
import { plain } from "../terminal.ts";

/** After a reconnection this many of the last lines are asked for again, to find those that came meanwhile. */
const linesAgain = 1000;
const logEvent = z.object({ line: z.string(), at: z.string(), stream: z.string() });

/** Prints the last lines of a site's output, and with `follow` those to come until Ctrl-C. */
export async function logs(session: Session, name: string, options: { readonly follow?: boolean; readonly tail?: string }): Promise<void> {
  needSignIn(session);
  const tail = Number(options.tail ?? "200");
  if (!Number.isInteger(tail) || tail < 0 || tail > 10_000) throw usageError("--tail takes a number of lines from 0 to 10000.");
  if (options.follow) return follow(session, name, tail);
  const response = await session.client.fetch(readLogs, { params: { name }, query: { tail } });
  const text = await response.text();
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  await session.answerAsIs({ lines }, lines.map((line) => `${forTerminal(session, line)}\n`).join(""));
}

async function follow(session: Session, name: string, tail: number): Promise<void> {
  const repeated = new RepeatedLines();
  for (let connections = 0; ; ) {
    try {
      const wanted = repeated.isEmpty ? tail : linesAgain;
      const response = await session.client.fetch(readLogs, { params: { name }, query: { tail: wanted, follow: true } });
      if (response.body === null) return;
      if (connections > 0) repeated.expectRepetition();
      connections += 1;
      for await (const event of readEvents(response.body)) {
        const { line, at, stream } = logEvent.parse(JSON.parse(event.data));
        if (!repeated.isNew({ line, at })) continue;
        const text = stream === "platform" ? session.outStyle.dim(`— ${forTerminal(session, line)}`) : forTerminal(session, line);
        await session.answerAsIs({ at, stream, line }, `${text}\n`);
      }
    } catch (error) {
      // The server restarts, or the connection was idle for too long: go on where it broke off. A first attempt that fails is an error.
      if (connections === 0 || !isServerAway(error)) throw error;
    }
    await delay(500);
  }
}

/** A site's program must not drive the terminal of the person who reads its log; a pipe gets the line as it is. */
function forTerminal(session: Session, line: string): string {
  return session.terminal.isOutTty ? plain(line) : line;
}
