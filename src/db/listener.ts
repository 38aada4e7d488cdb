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

const usualCheckMs = 15_000;
const firstRetryMs = 100;
const longestRetryMs = 5_000;

/**
 * Hears the database's notifications, and makes a new connection when the one that it has is lost. All in one process that listen to the same database share
 * one: the server wakes each that listens at every change, whatever it is about.
 */
export class Listener {
  readonly #options: ListenerOptions;
  #line: Line | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#line ??= joinLine(this.#options);
  }

  async stop(): Promise<void> {
    await this.#line?.leave(this.#options);
    this.#line = undefined;
  }
}

const lines = new Map<string, Line>();

function joinLine(options: ListenerOptions): Line {
  const key = `${options.checkMs ?? usualCheckMs} ${options.url}`;
  const line = lines.get(key) ?? new Line(options, () => lines.delete(key));
  lines.set(key, line);
  line.join(options);
  return line;
}

/** A connection, and those who listen on it. */
class Line {
  readonly #options: Pick<ListenerOptions, "url" | "log" | "checkMs">;
  readonly #onEmpty: () => void;
  readonly #listening = new Set<ListenerOptions>();
  readonly #stopping = new AbortController();
  #isConnected = false;
  #run: Promise<void> | undefined;

  constructor(options: Pick<ListenerOptions, "url" | "log" | "checkMs">, onEmpty: () => void) {
    this.#options = options;
    this.#onEmpty = onEmpty;
  }

  join(listening: ListenerOptions): void {
    this.#listening.add(listening);
    this.#run ??= this.#keepListening();
    if (!this.#isConnected) return;
    // As for the first: not before `start` has returned.
    queueMicrotask(() => {
      if (this.#isConnected && this.#listening.has(listening)) listening.onConnected();
    });
  }

  async leave(listening: ListenerOptions): Promise<void> {
    if (!this.#listening.has(listening)) return;
    if (this.#listening.size > 1) {
      this.#listening.delete(listening);
      if (this.#isConnected) listening.onDisconnected?.();
      return;
    }
    // Nobody joins what is about to end.
    this.#onEmpty();
    this.#stopping.abort();
    await this.#run;
    this.#listening.clear();
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
    const { url, checkMs = usualCheckMs } = this.#options;
    const client = new pg.Client({ ...connectionSettings(url), application_name: "backlot listener", query_timeout: checkMs });
    const over = Promise.withResolvers<void>();
    // Heard from the beginning: an error event without a listener ends the process.
    client.on("error", over.reject);
    client.on("end", () => over.resolve());
    client.on("notification", (message) => {
      const channel = channels.find((known) => known === message.channel);
      if (channel === undefined) return;
      for (const listening of [...this.#listening]) listening.onNotification(channel, message.payload ?? "");
    });
    const stop = (): void => over.resolve();
    this.#stopping.signal.addEventListener("abort", stop, { once: true });
    let check: NodeJS.Timeout | undefined;
    try {
      await client.connect();
      for (const channel of channels) await client.query(`listen ${channel}`);
      onConnected();
      this.#isConnected = true;
      for (const listening of [...this.#listening]) listening.onConnected();
      check = setInterval(() => void client.query("select 1").catch(over.reject), checkMs);
      await over.promise;
    } finally {
      if (this.#isConnected) for (const listening of [...this.#listening]) listening.onDisconnected?.();
      this.#isConnected = false;
      clearInterval(check);
      this.#stopping.signal.removeEventListener("abort", stop);
      over.promise.catch(() => undefined);
      // A server that is gone never says goodbye.
      await Promise.race([client.end().catch(() => undefined), delay(1_000, undefined, { ref: false })]);
    }
  }
}
