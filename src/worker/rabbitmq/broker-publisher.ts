import { setImmediate as nextTurn } from "node:timers/promises";
import { Connection, type Publisher } from "rabbitmq-client";
import type { Log } from "#kit/log.ts";
import { type BrokerSettings, connectionOptions, problemOf } from "./broker-settings.ts";
import { declareTopology, inspectTopology, type QueueCounts } from "./topology.ts";

/** A message of ours on its way to the broker. */
export interface Outgoing {
  /** Empty for the exchange that routes by the queue's name. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly messageId: string;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string | number>>;
}

/** What a publisher is made of. */
export interface PublisherDeps {
  readonly settings: BrokerSettings;
  readonly log: Log;
  /** Connected, for the first time or again; what is declared is there. */
  readonly onConnected: () => void;
}

/** A broker that is short of memory or disk confirms nothing and refuses nothing: the message is then given up, and tried again later. */
const confirmMs = 10_000;
const closeMs = 2_000;

/** Publishes with confirmation, on a connection of its own: the broker stops reading from publishers when it is short of memory. */
export class BrokerPublisher {
  readonly #deps: PublisherDeps;
  readonly #connection: Connection;
  readonly #publisher: Publisher;
  readonly #returned = new Set<string>();
  #count = 0;
  #problem: string | null = "not connected yet";
  #isStopped = false;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
    this.#connection = new Connection(connectionOptions(deps.settings, "publish"));
    this.#connection.on("error", (error: unknown) => this.#lost(error));
    this.#connection.on("connection", () => void this.#connected());
    this.#connection.on("connection.blocked", (reason) => deps.log.warn({ reason }, "RabbitMQ takes no messages"));
    this.#connection.on("connection.unblocked", () => deps.onConnected());
    this.#publisher = this.#connection.createPublisher({ confirm: true });
    this.#publisher.on("basic.return", (message) => {
      if (message.correlationId !== undefined) this.#returned.add(message.correlationId);
    });
  }

  /** Connected, and the broker takes messages. */
  get isReady(): boolean {
    return this.#connection.ready;
  }

  /** Null when all is well. */
  get problem(): string | null {
    if (this.#problem !== null) return this.#problem;
    return this.isReady ? null : "the broker takes no messages for now";
  }

  /**
   * Resolves when the broker has taken the message into a queue and onto its disk.
   * @throws when it did not, or when nobody can tell: it may then have it all the same.
   */
  async publish(message: Outgoing): Promise<void> {
    // Otherwise it would wait in memory for a connection, although its row waits in the database already.
    if (!this.isReady) throw new Error("not connected to RabbitMQ");
    const correlationId = String(++this.#count);
    const { exchange, routingKey, messageId, body, headers } = message;
    const envelope = { exchange, routingKey, messageId, correlationId, durable: true, mandatory: true, contentType: "application/octet-stream" };
    const confirmed = this.#publisher.send({ ...envelope, ...(headers === undefined ? {} : { headers: { ...headers } }) }, body);
    try {
      await within(confirmed, confirmMs, "RabbitMQ did not confirm in time");
      // A message without a queue is returned before it is confirmed, but the library tells of it a turn later.
      await nextTurn();
      if (this.#returned.has(correlationId)) throw new Error("no queue took the message");
    } finally {
      this.#returned.delete(correlationId);
    }
  }

  /** Looks whether all queues are there, and counts what waits; null when that cannot be said. */
  check(): Promise<QueueCounts | null> {
    return this.#ask(inspectTopology);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const closed = this.#publisher.close().then(() => this.#connection.close());
    await within(closed, closeMs, "slow").catch(() => undefined);
    this.#connection.unsafeDestroy();
  }

  async #connected(): Promise<void> {
    if ((await this.#ask(declareTopology)) === null || this.#isStopped) return;
    this.#deps.log.info("publishing to RabbitMQ");
    this.#deps.onConnected();
  }

  async #ask(question: (connection: Connection) => Promise<QueueCounts>): Promise<QueueCounts | null> {
    try {
      const counts = await within(question(this.#connection), confirmMs, "RabbitMQ did not answer in time");
      this.#problem = null;
      return counts;
    } catch (error) {
      if (!this.#isStopped) this.#tell(error, "RabbitMQ's queues cannot be used");
      return null;
    }
  }

  #lost(error: unknown): void {
    if (!this.#isStopped) this.#tell(error, "lost RabbitMQ; tasks wait for the next look instead");
  }

  /** Said once, not at every attempt. */
  #tell(error: unknown, message: string): void {
    const problem = problemOf(error);
    if (this.#problem !== problem) this.#deps.log.warn({ err: error }, message);
    this.#problem = problem;
  }
}

/** Rejects when it takes longer; what comes of it afterwards is nobody's concern. */
export async function within<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  work.catch(() => undefined);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(message)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
