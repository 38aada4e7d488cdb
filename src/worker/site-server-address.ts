import { Failure } from "#contract/failure.ts";
import { siteServerAnswer } from "#contract/internal/supervisor.ts";
import { supervisedFlag } from "#kit/lifecycle.ts";

/** The channel to the process that started this one. */
export interface ParentChannel {
  send(message: unknown): void;
  /** Returns what stops listening. */
  listen(onMessage: (message: unknown) => void): () => void;
}

/** The first start makes the server's files, and one after a crash reads its log again. */
const answerWithinMs = 150_000;

/**
 * Says where the server of sites' databases is: the administrator's own, else the private one, which the supervisor starts when it is
 * first asked for.
 */
export function siteServerAddress(configured: string | undefined, parent: ParentChannel | null): () => Promise<string> {
  if (configured !== undefined) return async () => configured;
  if (parent === null) return () => Promise.reject(new Failure("site_databases_off", { reason: "no supervisor keeps one" }));
  let last = 0;
  return () => {
    last += 1;
    return ask(parent, last);
  };
}

function ask(parent: ParentChannel, id: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => reject(new Failure("component_away", { component: "server of sites' databases" })), answerWithinMs).unref();
  const stopListening = parent.listen((message) => {
    const answer = siteServerAnswer.safeParse(message);
    if (!answer.success || answer.data.id !== id) return;
    const { result } = answer.data;
    if ("url" in result) resolve(result.url);
    else reject(new Failure("site_databases_off", { reason: result.problem }));
  });
  parent.send({ type: "site-server", id });
  return promise.finally(() => {
    clearTimeout(timer);
    stopListening();
  });
}

/** The channel to the supervisor; null for a process that nobody supervises. */
export function supervisorChannel(): ParentChannel | null {
  if (process.send === undefined || !process.argv.includes(supervisedFlag)) return null;
  return {
    send: (message) => void process.send?.(message),
    listen: (onMessage) => {
      process.on("message", onMessage);
      return () => process.off("message", onMessage);
    },
  };
}
