import { useEffect, useReducer } from "react";
import { readTask, readTaskLog, taskOutput } from "#contract/api/tasks.ts";
import { readEvents } from "#contract/events.ts";
import { isTaskEnded, type LogStream } from "#contract/task.ts";
import { api, wordsOf } from "./api.ts";
import { followToEnd } from "./follow-to-end.ts";
import { addOutput, emptyOutput, type Output, type OutputPiece } from "./output-text.ts";
import { whileStreaming } from "./stream-room.ts";
import { untilVisible } from "./visibility.ts";

export interface LiveOutput {
  readonly output: Output;
  readonly state: "connecting" | "following" | "ended" | "lost";
  readonly problem: string | null;
}

type Change = { readonly pieces: readonly OutputPiece[] } | { readonly state: LiveOutput["state"]; readonly problem?: string };

const retryMs = 1_500;
/** Pieces that come close together are shown together, in milliseconds. */
const gatherMs = 60;
/** Of a large output the page begins this far before the end; all of it is in the download. */
const beginBytes = 400_000;

function reduce(live: LiveOutput, change: Change): LiveOutput {
  if ("pieces" in change) return { ...live, output: change.pieces.reduce(addOutput, live.output) };
  return { ...live, state: change.state, problem: change.problem ?? null };
}

/** Follows a stream of a task's output, going on at the byte where an interruption came, until the task has ended. */
export function useLiveOutput(uid: string, stream: LogStream): LiveOutput {
  const [live, dispatch] = useReducer(reduce, { output: emptyOutput, state: "connecting", problem: null });
  useEffect(() => {
    const stop = new AbortController();
    void keepFollowing({ uid, stream, stop: stop.signal, dispatch });
    return () => stop.abort();
  }, [uid, stream]);
  return live;
}

interface Following {
  readonly uid: string;
  readonly stream: LogStream;
  readonly stop: AbortSignal;
  readonly dispatch: (change: Change) => void;
}

async function keepFollowing(following: Following): Promise<void> {
  const { uid, stop, dispatch } = following;
  let from: Place = { offset: -beginBytes };
  const isAtEnd = await followToEnd({
    follow: async () => {
      await untilVisible(stop);
      const { signal, release } = whileStreaming(stop);
      try {
        for await (const next of followOnce(following, from, signal)) from = next;
        return !signal.aborted;
      } catch (error) {
        if (!signal.aborted) throw error;
        // Nobody looks: nothing is lost, and it goes on as soon as somebody does.
        return false;
      } finally {
        release();
      }
    },
    hasEnded: async () => isTaskEnded((await api.call(readTask, { params: { uid }, signal: stop })).task.state),
    onLost: (error) => dispatch({ state: "lost", problem: wordsOf(error) }),
    pause: () => new Promise((resolve) => setTimeout(resolve, retryMs)),
    stop,
  });
  if (isAtEnd) dispatch({ state: "ended" });
}

/** Where to go on. The id of the last event names the attempt as well: one that has begun meanwhile is read from its beginning. */
interface Place {
  readonly offset: number;
  readonly id?: string | undefined;
}

/** Gives the place to go on from after each piece. */
async function* followOnce(following: Following, from: Place, signal: AbortSignal): AsyncGenerator<Place> {
  const { uid, stream, dispatch } = following;
  const headers = from.id === undefined ? {} : { "last-event-id": from.id };
  const response = await api.fetch(readTaskLog, { params: { uid, stream }, query: { offset: from.offset, follow: true }, headers, signal });
  if (response.body === null) return;
  dispatch({ state: "following" });
  let waiting: OutputPiece[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    timer = undefined;
    if (waiting.length > 0 && !following.stop.aborted) dispatch({ pieces: waiting });
    waiting = [];
  };
  try {
    for await (const { data, id } of readEvents(response.body)) {
      const piece = taskOutput.parse(JSON.parse(data));
      waiting.push(piece);
      timer ??= setTimeout(flush, gatherMs);
      yield { offset: piece.next, id };
    }
  } finally {
    clearTimeout(timer);
    flush();
  }
}
