import type { OutboxMessage, TaskOutbox } from "#core/tasks/task-outbox.ts";
import { steadyNow } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import { backOffMs } from "#kit/retry.ts";
import { type BrokerPublisher, within } from "./broker-publisher.ts";
import { tokenMessage } from "./token-message.ts";

/** What the relay is made of. */
export interface RelayDeps {
  readonly outbox: TaskOutbox;
  readonly publisher: Pick<BrokerPublisher, "isReady" | "publish">;
  readonly log: Log;
  /** How often it looks without being told. */
  readonly everyMs: number;
}

/** Bounds what a crash publishes twice, and what waits in memory. */
const mostInFlight = 200;
/** More are fetched when so few are left: one statement for a hundred rows, not one for each. */
const fewInFlight = mostInFlight / 2;
/** Longer than any confirmation takes, or the same message would be on its way twice. */
const leaseMs = 30_000;
const backOff = { firstMs: 1_000, mostMs: 60_000 };
const stopMs = 3_000;
const tellEveryMs = 10_000;

/** Carries messages from the database to the broker: each at least once, and removed only when the broker has it. */
export class OutboxRelay {
  readonly #deps: RelayDeps;
  readonly #inFlight = new Set<Promise<void>>();
  #confirmed: number[] = [];
  #removal: Promise<void> | undefined;
  #wake = Promise.withResolvers<void>();
  #toldAt = 0;
  #isStopping = false;
  #loop: Promise<void> | undefined;

  constructor(deps: RelayDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** There may be something to publish. */
  hint(): void {
    this.#wake.resolve();
  }

  /** Waits a little for what is on its way; the rest is published again by whoever looks next. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.hint();
    await this.#loop;
    await within(Promise.all(this.#inFlight), stopMs, "slow").catch(() => undefined);
    await this.#removal;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const wake = Promise.withResolvers<void>();
      this.#wake = wake;
      const isMore = await this.#publishDue();
      if (isMore || this.#isStopping) continue;
      const timer = setTimeout(wake.resolve, this.#deps.everyMs);
      await wake.promise;
      clearTimeout(timer);
    }
  }

  /** Whether to look again at once. */
  async #publishDue(): Promise<boolean> {
    const { outbox, publisher, log } = this.#deps;
    // While the broker is away the rows stay as they are, and none is charged with an attempt.
    if (this.#inFlight.size > fewInFlight || !publisher.isReady) return false;
    const limit = mostInFlight - this.#inFlight.size;
    try {
      const messages = await outbox.take({ limit, leaseMs });
      for (const message of messages) this.#send(message);
      return messages.length === limit;
    } catch (error) {
      log.warn({ err: error }, "cannot read the messages that wait for RabbitMQ");
      return false;
    }
  }

  #send(message: OutboxMessage): void {
    const sending = this.#deps.publisher.publish(tokenMessage(message.uid)).then(
      () => this.#remove(message.id),
      (error: unknown) => this.#putBack(message, error),
    );
    this.#inFlight.add(sending);
    void sending.then(() => {
      this.#inFlight.delete(sending);
      if (this.#inFlight.size === fewInFlight) this.hint();
    });
  }

  /** Removes all that were confirmed while the removal before was under way, in one statement. */
  async #remove(id: number): Promise<void> {
    this.#confirmed.push(id);
    this.#removal ??= this.#removeConfirmed();
    await this.#removal;
  }

  async #removeConfirmed(): Promise<void> {
    while (this.#confirmed.length > 0) {
      const ids = this.#confirmed;
      this.#confirmed = [];
      try {
        await this.#deps.outbox.remove(ids);
      } catch (error) {
        this.#deps.log.warn({ err: error, count: ids.length }, "cannot remove published messages; they will be published again");
      }
    }
    this.#removal = undefined;
  }

  async #putBack(message: OutboxMessage, error: unknown): Promise<void> {
    const { outbox, log } = this.#deps;
    const afterMs = backOffMs(message.attempts, backOff);
    // A broker that goes away fails all that is on its way at once: one line tells it.
    const isTold = steadyNow() - this.#toldAt < tellEveryMs;
    if (!isTold) this.#toldAt = steadyNow();
    log[isTold ? "debug" : "warn"](
      { err: error, task: message.uid, attempts: message.attempts, afterMs },
      "RabbitMQ did not take a message; it is tried again",
    );
    // Without this it comes again when its lease is over.
    await outbox.putBack([message.id], afterMs).catch((cause: unknown) => log.warn({ err: cause }, "cannot put a message back"));
  }
}
