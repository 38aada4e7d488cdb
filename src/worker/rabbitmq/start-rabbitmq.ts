import type { TaskOutbox } from "#core/tasks/task-outbox.ts";
import type { TaskWakeups, WakeupHealth } from "#core/tasks/task-wakeups.ts";
import type { Log } from "#kit/log.ts";
import { BrokerPublisher } from "./broker-publisher.ts";
import { type BrokerSettings, defaultLongestRetryMs } from "./broker-settings.ts";
import { type InboxCounts, LegacyInbox } from "./legacy-inbox.ts";
import { OutboxRelay } from "./outbox-relay.ts";
import { RabbitmqWakeups } from "./rabbitmq-wakeups.ts";
import { replaceLostTokens } from "./token-reconciler.ts";

/** What the worker's part of RabbitMQ needs. */
export interface RabbitmqDeps {
  /** `AMQP_URL`. */
  readonly url: string;
  readonly outbox: TaskOutbox;
  readonly log: Log;
  /** How often it looks for messages without being told; 2 s. */
  readonly relayMs?: number;
  /** How often connections and queues are looked at; 10 s. */
  readonly checkMs?: number;
  /** How long a due task waits for anybody before it gets a token once more, and how often that is looked at; 30 s. */
  readonly reconcileMs?: number;
  readonly longestRetryMs?: number;
  /** How long the broker may have given nothing although it should, before a new connection is made; 15 s. */
  readonly patienceMs?: number;
}

/** RabbitMQ at work in a worker. */
export interface RunningRabbitmq {
  /** For the task runner; stopped by it, or by `stop`. */
  readonly wakeups: TaskWakeups;
  /** The database said that there may be something to publish: call it on each notification of `tasks`, and when the listener connected. */
  hint(): void;
  health(): WakeupHealth & { readonly inbox: InboxCounts };
  stop(): Promise<void>;
}

/** Begins to publish what waits, to take the original's messages, and to heal what gets lost. Never waits for the broker, which may be away. */
export function startRabbitmq(deps: RabbitmqDeps): RunningRabbitmq {
  const { url, outbox, log, relayMs = 2_000, checkMs = 10_000, reconcileMs = 30_000, longestRetryMs = defaultLongestRetryMs } = deps;
  const settings: BrokerSettings = { url, longestRetryMs };
  const publisher = new BrokerPublisher({ settings, log, onConnected: () => relay.hint() });
  const relay = new OutboxRelay({ outbox, publisher, log, everyMs: relayMs });
  const wakeups = new RabbitmqWakeups({ settings, publisher, log, patienceMs: deps.patienceMs });
  const inbox = new LegacyInbox({ settings, publisher, outbox, log });
  relay.start();
  inbox.start();
  const watch = every(checkMs, log, async () => {
    const counts = publisher.isReady ? await publisher.check() : null;
    wakeups.check(counts);
    inbox.check();
  });
  const reconcile = every(reconcileMs, log, async () => {
    if (publisher.isReady) await replaceLostTokens({ outbox, publisher, log }, reconcileMs);
  });
  const stop = async (): Promise<void> => {
    watch.stop();
    reconcile.stop();
    // The relay first: it needs the publisher, and so do tokens and messages at hand.
    await Promise.all([relay.stop(), wakeups.stop(), inbox.stop()]);
    await publisher.stop();
  };
  return {
    wakeups,
    hint: () => relay.hint(),
    health() {
      const { problem } = wakeups.health();
      const worst = problem ?? (inbox.problem === null ? null : `the original's queue: ${inbox.problem}`);
      return { isConnected: worst === null, problem: worst, inbox: inbox.counts };
    },
    stop,
  };
}

/** Again and again, never twice at once; a failure is told and the next time is another chance. */
function every(ms: number, log: Log, work: () => Promise<void>): { stop(): void } {
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    work()
      .catch((error: unknown) => log.warn({ err: error }, "looking after RabbitMQ failed; it is tried again"))
      .finally(() => {
        isBusy = false;
      });
  }, ms);
  return { stop: () => clearInterval(timer) };
}
