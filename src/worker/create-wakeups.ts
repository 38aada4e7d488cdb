import type { TaskOutbox } from "#core/tasks/task-outbox.ts";
import type { TaskWakeups, WakeupHealth } from "#core/tasks/task-wakeups.ts";
import type { Log } from "#kit/log.ts";
import { NotifyWakeups } from "./notify-wakeups.ts";
import { startRabbitmq } from "./rabbitmq/start-rabbitmq.ts";

/** A source of wake-ups, and what it has to be told of the database's notifications. */
export interface WakeupSource {
  readonly wakeups: TaskWakeups;
  /** The database said that there may be work. */
  heard(): void;
  connected(): void;
  disconnected(): void;
  health(): WakeupHealth;
  stop(): Promise<void>;
}

/** RabbitMQ where an address is given, the database's own notifications otherwise. */
export function createWakeups(options: { readonly amqpUrl: string | undefined; readonly outbox: TaskOutbox; readonly log: Log }): WakeupSource {
  const { amqpUrl, outbox, log } = options;
  if (amqpUrl === undefined) {
    const wakeups = new NotifyWakeups();
    return {
      wakeups,
      heard: () => wakeups.heard(),
      connected: () => wakeups.connected(),
      disconnected: () => wakeups.disconnected(),
      health: () => wakeups.health(),
      stop: () => wakeups.stop(),
    };
  }
  const rabbitmq = startRabbitmq({ url: amqpUrl, outbox, log });
  const hint = (): void => rabbitmq.hint();
  return {
    wakeups: rabbitmq.wakeups,
    heard: hint,
    connected: hint,
    disconnected: () => undefined,
    health: () => rabbitmq.health(),
    stop: () => rabbitmq.stop(),
  };
}
