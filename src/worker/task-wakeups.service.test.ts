import { describe } from "vitest";
import type { TaskWakeups } from "#core/tasks/task-wakeups.ts";
import { Listener } from "#db/listener.ts";
import { announceWork } from "#db/tasks/announce-tasks.ts";
import { silentLog } from "#kit/log.ts";
import { openTaskStage } from "../../test/support/broker-worker.ts";
import { FakeWakeupSource } from "../../test/support/fake-task-wakeups.ts";
import { rabbitmqMissing, startRabbitmq } from "../../test/support/rabbitmq.ts";
import { taskWakeupsSuite } from "../../test/support/task-wakeups-suite.ts";
import { NotifyWakeups } from "./notify-wakeups.ts";
import { BrokerPublisher } from "./rabbitmq/broker-publisher.ts";
import { RabbitmqWakeups } from "./rabbitmq/rabbitmq-wakeups.ts";
import { tokenMessage } from "./rabbitmq/token-message.ts";

taskWakeupsSuite("the fake", async () => {
  const source = new FakeWakeupSource();
  return { open: () => source.open(), announce: async () => source.announce(), [Symbol.asyncDispose]: async () => undefined };
});

taskWakeupsSuite("LISTEN/NOTIFY", async () => {
  const stage = await openTaskStage();
  const open = (): TaskWakeups => {
    const wakeups = new NotifyWakeups();
    const onNotification = (channel: string, payload: string): void => {
      if (channel === "tasks" && payload === "") wakeups.heard();
    };
    const listener = new Listener({ url: stage.url, log: silentLog(), onNotification, onConnected: () => wakeups.connected() });
    listener.start();
    return {
      start: (onWakeup) => wakeups.start(onWakeup),
      resume: () => wakeups.resume(),
      health: () => wakeups.health(),
      async stop() {
        await wakeups.stop();
        await listener.stop();
      },
    };
  };
  const announce = () => announceWork(stage.db, [crypto.randomUUID()], { usesBroker: false });
  return { open, announce, [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose]() };
});

const missing = rabbitmqMissing();
describe.skipIf(missing !== null)(missing === null ? "over a broker" : `over a broker (${missing})`, () => {
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
});
