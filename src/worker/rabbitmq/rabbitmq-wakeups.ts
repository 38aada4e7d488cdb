import { setTimeout as delay } from "node:timers/promises";
import type { AsyncMessage } from "rabbitmq-client";
import type { TaskWakeups, WakeupAnswer, WakeupHealth } from "#core/tasks/task-wakeups.ts";
import type { Log } from "#kit/log.ts";
import { BrokerConsumer, type MessageVerdict } from "./broker-consumer.ts";
import type { BrokerPublisher } from "./broker-publisher.ts";
import type { BrokerSettings } from "./broker-settings.ts";
import { tokenMessage, tokenUid } from "./token-message.ts";
import { type QueueCounts, tokenQueue } from "./topology.ts";

/** What wake-ups over RabbitMQ are made of. */
export interface WakeupDeps {
  readonly settings: BrokerSettings;
  readonly publisher: BrokerPublisher;
  readonly log: Log;
  /** How long it may be without messages that it should be given; 15 s. */
  readonly patienceMs?: number | undefined;
}

/**
 * How long a token is kept while every slot is taken. Short tasks free one within this time, and to stop and start delivery for each would cost
 * more than the tasks; after it, another worker may have the token.
 */
const holdMs = 50;
/** Before a token that could not be used (the database is away) is tried again; after the queue's delivery limit it is a dead letter. */
const afterFailureMs = 1_000;
/** How many tokens that have not come yet may be done with in advance: some may have been lost. */
const mostSpent = 100;

/** Wake-ups that RabbitMQ delivers: one token, one look at the queue of tasks. */
export class RabbitmqWakeups implements TaskWakeups {
  readonly #deps: WakeupDeps;
  readonly #consumer: BrokerConsumer;
  #onWakeup: (() => Promise<WakeupAnswer>) | undefined;
  #isFull = false;
  /** Tokens that have done their work before they came: tasks were claimed in place of others that ended. */
  #spent = 0;
  #freed = Promise.withResolvers<void>();

  constructor(deps: WakeupDeps) {
    this.#deps = deps;
    const { settings, log } = deps;
    const handle = (message: AsyncMessage, signal: AbortSignal) => this.#handle(message, signal);
    this.#consumer = new BrokerConsumer({ settings, log, queue: tokenQueue, purpose: "tokens", handle, patienceMs: deps.patienceMs });
  }

  /** Does not wait for the broker: tasks are found without it, only later. */
  async start(onWakeup: () => Promise<WakeupAnswer>): Promise<void> {
    this.#onWakeup = onWakeup;
    this.#consumer.start();
  }

  resume(): void {
    this.#haveRoom();
    this.#freed.resolve();
    this.#consumer.resume();
  }

  spent(): void {
    // While there is room each token is a look at the queue, which costs little and cannot be wrong.
    if (!this.#isFull) return;
    this.#spent = Math.min(this.#spent + 1, mostSpent);
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
    // Delivery may have stopped for want of room; there is still none, but the token is to go.
    this.#consumer.resume();
  }

  health(): WakeupHealth {
    const problem = this.#consumer.problem ?? this.#deps.publisher.problem;
    return { isConnected: problem === null, problem };
  }

  /** What the broker says of the queue; connects anew when it has forgotten us. */
  check(counts: QueueCounts | null): void {
    this.#consumer.check(counts);
  }

  stop(): Promise<void> {
    return this.#consumer.stop();
  }

  async #handle(message: AsyncMessage, signal: AbortSignal): Promise<MessageVerdict> {
    const uid = tokenUid(message);
    if (uid === null) {
      this.#deps.log.warn({ queue: tokenQueue.queue }, "a message that is no token went to the dead letters");
      return "dead";
    }
    try {
      return await this.#spend(uid, signal);
    } catch (error) {
      // What could not even be asked for says nothing of the slots.
      this.#haveRoom();
      if (signal.aborted) return "again";
      this.#deps.log.warn({ err: error }, "a token could not be used; it comes again");
      await delay(afterFailureMs, undefined, { signal }).catch(() => undefined);
      return "again";
    }
  }

  async #spend(uid: string, signal: AbortSignal): Promise<MessageVerdict> {
    while (!signal.aborted) {
      if (this.#isFull && this.#spent === 0) {
        await Promise.race([this.#freed.promise, delay(holdMs, undefined, { signal }).catch(() => undefined)]);
        if (signal.aborted) break;
        // Asked and acted on in one turn: a slot that became free in between would leave delivery stopped for good.
        if (this.#isFull && this.#spent === 0) return this.#handOn(uid);
      }
      if (this.#isFull) {
        this.#spent -= 1;
        return "done";
      }
      // Said before asking, so that a slot that becomes free meanwhile is not overlooked.
      this.#isFull = true;
      this.#freed = Promise.withResolvers();
      const answer = await this.#wakeUp();
      if (answer.hasRoom) this.#haveRoom();
      if (answer.hasRoom || (answer.claimed ?? 0) > 0) return "done";
    }
    return "again";
  }

  #haveRoom(): void {
    this.#isFull = false;
    this.#spent = 0;
  }

  async #wakeUp(): Promise<WakeupAnswer> {
    if (this.#onWakeup === undefined) throw new Error("nobody to wake up");
    return this.#onWakeup();
  }

  /**
   * Leaves the token to others as a new one, since each return of the same one counts as a failed delivery. Delivery stops first: the token
   * would come straight back.
   */
  async #handOn(uid: string): Promise<MessageVerdict> {
    this.#consumer.pause();
    await this.#deps.publisher.publish(tokenMessage(uid));
    return "done";
  }
}
