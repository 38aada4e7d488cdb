import type { ConnectionOptions } from "rabbitmq-client";

/** How this process speaks with the broker. */
export interface BrokerSettings {
  /** `amqp://user:password@host:port/vhost`, or `amqps://…`. */
  readonly url: string;
  /** Between attempts to connect; each is chosen at random up to this, so that workers do not all come back at once. */
  readonly longestRetryMs: number;
}

/** Anything longer and a broker that came back is noticed late; it is a worker's only delay that people feel. */
export const defaultLongestRetryMs = 5_000;

/** What every connection of ours is made with; `purpose` is shown in RabbitMQ's own pages. */
export function connectionOptions(settings: BrokerSettings, purpose: string): ConnectionOptions {
  return {
    url: settings.url,
    connectionName: `backlot worker ${process.pid}: ${purpose}`,
    // Tokens are small: Nagle's algorithm would hold each for up to 40 ms.
    noDelay: true,
    // Seconds.
    heartbeat: 20,
    connectionTimeout: 10_000,
    acquireTimeout: 10_000,
    retryLow: Math.min(250, settings.longestRetryMs),
    retryHigh: settings.longestRetryMs,
  };
}

/** What is wrong with the broker, in words; the library puts no address and no password into its messages, and Node only the address. */
export function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
