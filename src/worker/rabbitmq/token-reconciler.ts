import type { TaskOutbox } from "#core/tasks/task-outbox.ts";
import type { Log } from "#kit/log.ts";
import type { BrokerPublisher } from "./broker-publisher.ts";
import { tokenMessage } from "./token-message.ts";

/** What reconciling needs. */
export interface TokenReconcilerDeps {
  readonly outbox: Pick<TaskOutbox, "overdue">;
  readonly publisher: Pick<BrokerPublisher, "publish" | "check">;
  readonly log: Log;
}

/** More would only be looked at in vain: each token lets a worker claim as many tasks as it has room for. */
const mostTokens = 100;

/**
 * Gives tokens to tasks that have long been due while the broker has none: it was wiped, or its queue was emptied. Gives how many. Tokens that
 * wait say that the workers are busy, and more of them would change nothing.
 */
export async function replaceLostTokens(deps: TokenReconcilerDeps, olderThanMs: number): Promise<number> {
  const { outbox, publisher, log } = deps;
  const counts = await publisher.check();
  if (counts === null || counts.messages > 0) return 0;
  const uids = await outbox.overdue({ olderThanMs, limit: mostTokens });
  if (uids.length === 0) return 0;
  await Promise.all(uids.map((uid) => publisher.publish(tokenMessage(uid))));
  log.info({ count: uids.length }, "tasks that waited without a token have one again");
  return uids.length;
}
