import { describe, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { FakeWakeupSource } from "../../../test/support/fake-task-wakeups.ts";
import { rabbitmqMissing, startRabbitmq } from "../../../test/support/rabbitmq.ts";
import { taskWakeupsSuite } from "../../../test/support/task-wakeups-suite.ts";
import { BrokerPublisher } from "./broker-publisher.ts";
import { RabbitmqWakeups } from "./rabbitmq-wakeups.ts";
import { tokenMessage } from "./token-message.ts";

taskWakeupsSuite("the fake", async () => {
  const source = new FakeWakeupSource();
  return { open: () => source.open(), announce: async () => source.announce(), [Symbol.asyncDispose]: async () => undefined };
});

const missing = rabbitmqMissing();
if (missing === null) {
  taskWakeupsSuite("RabbitMQ", async () => {
    const broker = await startRabbitmq();
    const settings = { url: broker.url, longestRetryMs: 500 };
    const connected = Promise.withResolvers<void>();
    const publisher = new BrokerPublisher({ settings, log: silentLog(), onConnected: connected.resolve });
    await connected.promise;
    return {
      open: () => new RabbitmqWakeups({ settings, publisher, log: silentLog() }),
      announce: () => publisher.publish(tokenMessage(crypto.randomUUID())),
      async [Symbol.asyncDispose]() {
        await publisher.stop();
        await broker[Symbol.asyncDispose]();
      },
    };
  });
} else {
  describe.skip(`RabbitMQ: ${missing}`, () => {
    it("keeps the promises of wake-ups", () => undefined);
  });
}
