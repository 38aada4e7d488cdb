import { type AsyncMessage, Connection, type Consumer, ConsumerStatus } from "rabbitmq-client";
import type { Log } from "#kit/log.ts";
import { within } from "./broker-publisher.ts";
import { type BrokerSettings, connectionOptions, problemOf } from "./broker-settings.ts";
import type { QueueCounts, QueueDeclaration } from "./topology.ts";

/** What becomes of a message: done with, back to the queue, or to the dead letters where the queue has an exchange for them. */
export type MessageVerdict = "done" | "again" | "dead";

/** What a consumer is made of. */
export interface ConsumerDeps {
  readonly settings: BrokerSettings;
  readonly queue: QueueDeclaration;
  readonly purpose: string;
  readonly log: Log;
  /** The signal ends with the consumer: whatever waits then gives the message back. */
  readonly handle: (message: AsyncMessage, signal: AbortSignal) => Promise<MessageVerdict>;
  /** How long it may be without messages that it should be given; 15 s. */
  readonly patienceMs?: number | undefined;
}

const verdicts: Readonly<Record<MessageVerdict, ConsumerStatus>> = { done: ConsumerStatus.ACK, again: ConsumerStatus.REQUEUE, dead: ConsumerStatus.DROP };
const closeMs = 3_000;
/** A broker that has just started takes seconds to find a leader for a quorum queue. */
const defaultPatienceMs = 15_000;

/**
 * Takes one message after the other from one queue, on a connection of its own. The library connects anew and declares the queue again;
 * what it may fail to notice is found by `check`.
 */
export class BrokerConsumer {
  readonly #deps: ConsumerDeps;
  readonly #stopping = new AbortController();
  #connection: Connection | undefined;
  #consumer: Consumer | undefined;
  #closing: Promise<void> | undefined;
  #isPaused = false;
  #isHandling = false;
  /** Since when it looks as if the broker had forgotten us. */
  #doubtfulSince: number | null = null;
  #problem: string | null = "not connected yet";

  constructor(deps: ConsumerDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#connection === undefined) this.#open();
  }

  /** Connected, and the broker delivers; so is one that was paused. */
  get isConnected(): boolean {
    return this.#connection?.ready === true && (this.#isPaused || this.#isConsuming);
  }

  /** Null when all is well. */
  get problem(): string | null {
    return this.isConnected ? null : (this.#problem ?? "the broker delivers nothing");
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** No more messages; the one at hand is still settled. The broker has been told when what was written before has. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    void this.#retire();
  }

  resume(): void {
    if (!this.#isPaused || this.#stopping.signal.aborted) return;
    this.#isPaused = false;
    if (this.#consumer === undefined) this.#consume();
  }

  /**
   * Connects anew when the broker has given us nothing for a while although it should: it has no consumer of ours, or messages wait while we
   * are idle. The latter happens when a quorum queue is deleted and declared again within a second (RabbitMQ 3.10): the consumer is then
   * counted, holds a message and is never sent one. `counts` is null when they are not known.
   */
  check(counts: QueueCounts | null): void {
    const isForgotten = !this.#isConsuming || counts?.consumers === 0 || (counts !== null && counts.messages > 0 && !this.#isHandling);
    if (this.#isPaused || this.#connection?.ready !== true || !isForgotten) {
      this.#doubtfulSince = null;
      return;
    }
    this.#doubtfulSince ??= performance.now();
    if (performance.now() - this.#doubtfulSince < (this.#deps.patienceMs ?? defaultPatienceMs)) return;
    this.#doubtfulSince = null;
    this.#reopen("connected to RabbitMQ without being given messages");
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#isPaused = true;
    const closed = this.#retire().then(() => this.#connection?.close());
    await within(closed, closeMs, "slow").catch(() => undefined);
    this.#connection?.unsafeDestroy();
  }

  get #isConsuming(): boolean {
    return this.#consumer !== undefined && this.#consumer.consumerTag !== "";
  }

  #open(): void {
    const connection = new Connection(connectionOptions(this.#deps.settings, this.#deps.purpose));
    this.#connection = connection;
    connection.on("error", (error: unknown) => {
      if (connection === this.#connection) this.#tell(error);
    });
    this.#consume();
  }

  #consume(): void {
    const { queue, log, purpose } = this.#deps;
    if (this.#connection === undefined) return;
    const { queue: name, ...queueOptions } = queue;
    // One at a time: what is not taken yet is there for other workers.
    const settings = { queue: name, queueOptions, qos: { prefetchCount: 1 }, concurrency: 1 };
    const consumer = this.#connection.createConsumer(settings, (message) => this.#handle(message));
    this.#consumer = consumer;
    consumer.on("error", (error: unknown) => {
      if (consumer === this.#consumer) this.#tell(error);
      else log.debug({ err: error }, "a paused consumer ended");
    });
    consumer.on("ready", () => {
      if (consumer !== this.#consumer || this.#problem === null) return;
      this.#problem = null;
      log.info({ queue: name }, `RabbitMQ delivers: ${purpose}`);
    });
  }

  async #handle(message: AsyncMessage): Promise<ConsumerStatus> {
    this.#doubtfulSince = null;
    this.#isHandling = true;
    try {
      return verdicts[await this.#deps.handle(message, this.#stopping.signal)];
    } finally {
      this.#isHandling = false;
    }
  }

  /** Ends the consumer; its message, if it has one, is settled first. */
  async #retire(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    if (consumer === undefined) return this.#closing;
    // Without its connection it cannot be closed in an orderly way, and need not.
    this.#closing = consumer.close().catch((error: unknown) => this.#deps.log.debug({ err: error }, "a consumer was not closed in an orderly way"));
    await this.#closing;
  }

  #reopen(reason: string): void {
    this.#deps.log.warn({ queue: this.#deps.queue.queue }, `${reason}; connecting anew`);
    this.#problem = reason;
    this.#consumer = undefined;
    this.#connection?.unsafeDestroy();
    this.#open();
  }

  /** Said once, not at every attempt. */
  #tell(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const problem = problemOf(error);
    if (this.#problem !== problem) this.#deps.log.warn({ err: error, queue: this.#deps.queue.queue }, "RabbitMQ does not deliver");
    this.#problem = problem;
  }
}
