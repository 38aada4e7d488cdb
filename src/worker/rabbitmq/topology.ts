import type { Channel, Connection } from "rabbitmq-client";

/** What the broker has to have of one queue. */
export interface QueueDeclaration {
  readonly queue: string;
  readonly durable: true;
  readonly arguments?: Readonly<Record<string, string | number>>;
}

/** Where messages go that nobody can use. */
export const deadExchange = "tasks.dlx";

/**
 * Wake-up tokens: each says that work may wait, and any worker may take any of them. Quorum, for its delivery limit: a token whose delivery
 * ends a worker time and again does not do so for ever. Rejecting rather than dropping, which at-least-once dead-lettering needs.
 */
export const tokenQueue: QueueDeclaration = {
  queue: "tasks.default",
  durable: true,
  arguments: {
    "x-queue-type": "quorum",
    "x-delivery-limit": 5,
    "x-dead-letter-exchange": deadExchange,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
  },
};

/** Kept for people to look at; the oldest go first, for nobody may ever look. */
export const deadQueue: QueueDeclaration = {
  queue: "tasks.dead",
  durable: true,
  arguments: { "x-queue-type": "quorum", "x-max-length": 10_000, "x-max-length-bytes": 64_000_000 },
};

/** The original's queue, exactly as its clients declare it: any other argument and one of the two is refused. */
export const legacyQueue: QueueDeclaration = { queue: "task_queue", durable: true };

/** How many messages wait for a worker, and how many workers listen. */
export interface QueueCounts {
  readonly messages: number;
  readonly consumers: number;
}

/**
 * Declares everything. Declaring what is there changes nothing.
 * @throws when something is there with other arguments (`PRECONDITION_FAILED`), or the broker goes away.
 */
export async function declareTopology(connection: Connection): Promise<QueueCounts> {
  return onChannel(connection, async (channel) => {
    await declareDeadLetters(channel);
    return countsOf(await channel.queueDeclare(tokenQueue));
  });
}

/**
 * Declares all but the queue of tokens, which is only looked at: consumers declare it anew when they are told that it was deleted, and RabbitMQ
 * 3.10 never delivers to a consumer whose queue was declared before it was told.
 * @throws when it is gone (`NOT_FOUND`), something is there with other arguments, or the broker goes away.
 */
export async function inspectTopology(connection: Connection): Promise<QueueCounts> {
  return onChannel(connection, async (channel) => {
    await declareDeadLetters(channel);
    return countsOf(await channel.queueDeclare({ queue: tokenQueue.queue, passive: true }));
  });
}

/** On a channel of its own, since a refusal closes the channel. */
async function onChannel<T>(connection: Connection, work: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await connection.acquire();
  try {
    return await work(channel);
  } finally {
    await channel.close();
  }
}

async function declareDeadLetters(channel: Channel): Promise<void> {
  await channel.exchangeDeclare({ exchange: deadExchange, type: "fanout", durable: true });
  await channel.queueDeclare(deadQueue);
  await channel.queueBind({ queue: deadQueue.queue, exchange: deadExchange });
}

function countsOf(declared: { readonly messageCount: number; readonly consumerCount: number }): QueueCounts {
  return { messages: declared.messageCount, consumers: declared.consumerCount };
}
