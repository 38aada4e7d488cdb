import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { Log } from "#kit/log.ts";
import { connectionSettings } from "./database.ts";
import { type Channel, channels } from "./notifications.ts";

/** What a listener does with what it hears. */
export interface ListenerOptions {
  readonly url: string;
  readonly log: Log;
  readonly onNotification: (channel: Channel, payload: string) => void;
  /** Called after each connection, the first one too: whatever was said before it is lost, so look at everything. */
  readonly onConnected: () => void;
  /** Called when a connection that was made is over. */
  readonly onDisconnected?: () => void;
  /** How often the line is tried; a server that vanished without a word is noticed within two of these. */
  readonly checkMs?: number;
}

const firstRetryMs = 100;
const longestRetryMs = 5_000;

/** Hears the database's notifications on a connection of its own, and makes a new one when it is lost. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #stopping = new AbortController();
  #run: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#run ??= this.#keepListening();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#run;
  }

  async #keepListening(): Promise<void> {
    let retryMs = firstRetryMs;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#listenOnce(() => {
          retryMs = firstRetryMs;
        });
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#options.log.warn({ err: error, retryMs }, "not listening to the database; trying again");
      }
      await delay(retryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, longestRetryMs);
    }
  }

  /** Resolves or rejects when the connection is over. */
  async #listenOnce(onConnected: () => void): Promise<void> {
    const { url, onNotification, checkMs = 15_000 } = this.#options;
    const client = new pg.Client({ ...connectionSettings(url), application_name: "backlot listener", query_timeout: checkMs });
    const over = Promise.withResolvers<void>();
    // Heard from the beginning: an error event without a listener ends the process.
    client.on("error", over.reject);
    client.on("end", () => over.resolve());
    client.on("notification", (message) => {
      const channel = channels.find((known) => known === message.channel);
      if (channel !== undefined) onNotification(channel, message.payload ?? "");
    });
    const stop = (): void => over.resolve();
    this.#stopping.signal.addEventListener("abort", stop, { once: true });
    let check: NodeJS.Timeout | undefined;
    let isConnected = false;
    try {
      await client.connect();
      for (const channel of channels) await client.query(`listen ${channel}`);
      onConnected();
      this.#options.onConnected();
      isConnected = true;
      check = setInterval(() => client.query("select 1").catch(over.reject), checkMs);
      await over.promise;
    } finally {
      if (isConnected) this.#options.onDisconnected?.();
      clearInterval(check);
      this.#stopping.signal.removeEventListener("abort", stop);
      over.promise.catch(() => undefined);
      // A server that is gone never says goodbye.
      await Promise.race([client.end().catch(() => undefined), delay(1_000, undefined, { ref: false })]);
    }
  }
}
