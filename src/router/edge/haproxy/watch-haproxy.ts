import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "#kit/log.ts";
import type { SendCommand } from "./command-socket.ts";

const everyMs = 250;

/** Watches a HAProxy that somebody else starts: says when it answers, also when it is another one than before, and when it does not. */
export function watchHaproxy(
  options: { readonly send: SendCommand; readonly onCame: () => void; readonly onGone: () => void; readonly log: Log },
  signal: AbortSignal,
): void {
  const { send, onCame, onGone, log } = options;
  const watch = async (): Promise<void> => {
    let known: string | null = null;
    while (!signal.aborted) {
      const found = /^Pid: (\d+)$/m.exec(await send("show info").catch(() => ""))?.[1] ?? null;
      if (found !== known) {
        log.info({ programPid: found }, found === null ? "HAProxy does not answer" : "HAProxy answers");
        known = found;
        if (found === null) onGone();
        else onCame();
      }
      await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  };
  void watch();
}
