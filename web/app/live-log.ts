import { useEffect, useReducer } from "react";
import { readLogs } from "#contract/api/sites.ts";
import { readEvents } from "#contract/events.ts";
import { api, wordsOf } from "./api.ts";
import { type LogLine, logLine, mergeLines, type NumberedLine } from "./log-lines.ts";
import { whileStreaming } from "./stream-room.ts";
import { untilVisible } from "./visibility.ts";

export interface LiveLog {
  readonly lines: readonly NumberedLine[];
  readonly state: "connecting" | "following" | "lost";
  readonly problem: string | null;
  /** The newest line when the connection was lost; null on the first one. */
  readonly until: string | null;
}

type Change =
  | { readonly type: "lines"; readonly lines: readonly LogLine[] }
  | { readonly type: "state"; readonly state: LiveLog["state"]; readonly problem?: string }
  | { readonly type: "clear" };

const tail = 500;
const retryMs = 2000;
/** Lines that come close together are shown together, in milliseconds. */
const gatherMs = 80;

function reduce(log: LiveLog, change: Change): LiveLog {
  if (change.type === "clear") return { ...log, lines: [] };
  if (change.type === "lines") return { ...log, lines: mergeLines(log.lines, change.lines, log.until) };
  const until = change.state === "connecting" ? (log.lines.at(-1)?.at ?? log.until) : log.until;
  return { ...log, until, state: change.state, problem: change.problem ?? null };
}

/** Follows a site's log and comes back after every interruption. */
export function useLiveLog(site: string): LiveLog & { clear: () => void } {
  const [log, dispatch] = useReducer(reduce, { lines: [], state: "connecting", problem: null, until: null });
  useEffect(() => {
    const stop = new AbortController();
    void keepFollowing(site, stop.signal, dispatch);
    return () => {
      stop.abort();
    };
  }, [site]);
  return { ...log, clear: () => dispatch({ type: "clear" }) };
}

async function keepFollowing(site: string, stop: AbortSignal, dispatch: (change: Change) => void): Promise<void> {
  while (!stop.aborted) {
    await untilVisible(stop);
    if (stop.aborted) return;
    dispatch({ type: "state", state: "connecting" });
    const { signal, release } = whileStreaming(stop);
    try {
      await followOnce(site, signal, dispatch);
    } catch (error) {
      if (!signal.aborted) dispatch({ type: "state", state: "lost", problem: wordsOf(error) });
    } finally {
      release();
    }
    if (!stop.aborted) await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

async function followOnce(site: string, signal: AbortSignal, dispatch: (change: Change) => void): Promise<void> {
  const response = await api.fetch(readLogs, { params: { name: site }, query: { tail, follow: true }, signal });
  if (response.body === null) return;
  dispatch({ type: "state", state: "following" });
  let waiting: LogLine[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    timer = undefined;
    if (!signal.aborted && waiting.length > 0) dispatch({ type: "lines", lines: waiting });
    waiting = [];
  };
  try {
    for await (const { data } of readEvents(response.body)) {
      waiting.push(logLine.parse(JSON.parse(data)));
      timer ??= setTimeout(flush, gatherMs);
    }
  } finally {
    clearTimeout(timer);
    flush();
  }
}
