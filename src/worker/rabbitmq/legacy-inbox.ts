import { setTimeout as delay } from "node:timers/promises";
import type { AsyncMessage } from "rabbitmq-client";
import type { TaskOutbox } from "#core/tasks/task-outbox.ts";
import type { Log } from "#kit/log.ts";
import { backOffMs } from "#kit/retry.ts";
import { BrokerConsumer, type MessageVerdict } from "./broker-consumer.ts";
import type { BrokerPublisher } from "./broker-publisher.ts";
import type { BrokerSettings } from "./broker-settings.ts";
import { bodyBytes, mostLegacyBytes, readLegacyMessage } from "./legacy-message.ts";
import { tokenMessage } from "./token-message.ts";
import { deadExchange, legacyQueue } from "./topology.ts";

/** What the inbox is made of. */
export interface InboxDeps {
  readonly settings: BrokerSettings;
  readonly publisher: BrokerPublisher;
  readonly outbox: Pick<TaskOutbox, "stateOf">;
  readonly log: Log;
}

/** What became of the messages that came since the start. */
export interface InboxCounts {
  /** Became a token. */
  readonly announced: number;
  /** Of tasks that run or have ended: nothing to do. */
  readonly settled: number;
  readonly dead: number;
}

/** A message that cannot be settled now waits here rather than going round: a classic queue would give it back tens of thousands of times a second. */
const backOff = { firstMs: 500, mostMs: 15_000 };

/**
 * The original's queue, for programs that put messages there themselves. It trusts the uid only, and only one that has a row: such a message
 * becomes a token like any other. Everything else goes to the dead letters with its reason. The queue cannot do that by itself: as the
 * original declares it, it has no exchange for dead letters.
 */
export class LegacyInbox {
  readonly #deps: InboxDeps;
  readonly #consumer: BrokerConsumer;
  #counts: InboxCounts = { announced: 0, settled: 0, dead: 0 };

  constructor(deps: InboxDeps) {
    this.#deps = deps;
    const { settings, log } = deps;
    this.#consumer = new BrokerConsumer({ settings, log, queue: legacyQueue, purpose: "inbox", handle: (message, signal) => this.#settle(message, signal) });
  }

  get counts(): InboxCounts {
    return this.#counts;
  }

  get problem(): string | null {
    return this.#consumer.problem;
  }

  start(): void {
    this.#consumer.start();
  }

  check(): void {
    this.#consumer.check(null);
  }

  stop(): Promise<void> {
    return this.#consumer.stop();
  }

  /** Tries until it is settled: only its consumer's end gives a message back. */
  async #settle(message: AsyncMessage, signal: AbortSignal): Promise<MessageVerdict> {
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        this.#count(await this.#handle(message));
        return "done";
      } catch (error) {
        const retryMs = backOffMs(failures, backOff);
        this.#deps.log.warn({ err: error, retryMs }, "a message of the original's queue could not be settled yet");
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
    return "again";
  }

  async #handle(message: AsyncMessage): Promise<keyof InboxCounts> {
    const { outbox, publisher } = this.#deps;
    const body = bodyBytes(message.body);
    const read = readLegacyMessage(body);
    if ("problem" in read) return this.#bury(body, read.problem, read.detail);
    const state = await outbox.stateOf(read.uid);
    if (state === null) return this.#bury(body, "unknown-task", `no task has the uid ${read.uid}`);
    if (state !== "queued") return "settled";
    await publisher.publish(tokenMessage(read.uid));
    return "announced";
  }

  /** The body is kept for whoever looks, as far as it is of a size that anybody would look at. */
  async #bury(body: Buffer, reason: string, detail: string): Promise<"dead"> {
    const { publisher, log } = this.#deps;
    const headers = { "x-backlot-reason": reason, "x-backlot-detail": detail, "x-backlot-bytes": body.byteLength };
    await publisher.publish({ exchange: deadExchange, routingKey: legacyQueue.queue, messageId: "", body: body.subarray(0, mostLegacyBytes), headers });
    log.warn({ reason, detail, dead: this.#counts.dead + 1 }, "a message of the original's queue went to the dead letters");
    return "dead";
  }

  #count(what: keyof InboxCounts): void {
    this.#counts = { ...this.#counts, [what]: this.#counts[what] + 1 };
  }
}
