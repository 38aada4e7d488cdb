import { Connection } from "rabbitmq-client";
import { z } from "zod";
import { ConfigError, parseConfig } from "#kit/config.ts";
import type { Check } from "./check.ts";

const tryMs = 3_000;
const advice = "Tasks are accepted and run without it, up to two seconds later. Check AMQP_URL, and that the broker runs.";

/** The broker that announces tasks: one that was given, or none. The address is not shown: it holds a password. */
export async function checkBroker(environment: Readonly<Record<string, string | undefined>>): Promise<Check> {
  const name = "rabbitmq";
  let connection: Connection | undefined;
  try {
    const { AMQP_URL: url } = parseConfig(z.object({ AMQP_URL: z.string().optional() }), environment);
    if (url === undefined) return { name, state: "info", detail: "not used: tasks are announced by the database" };
    // Tried once: the next attempt would come after the time is over.
    connection = new Connection({ url, connectionTimeout: tryMs, retryLow: 10 * tryMs, retryHigh: 10 * tryMs });
    let reason: unknown;
    connection.on("error", (error: unknown) => {
      reason = error;
    });
    await Promise.race([connection.onConnect(tryMs, true), failure(connection)]).catch((error: unknown) => {
      throw reason ?? error;
    });
    return { name, state: "ok", detail: "AMQP_URL names a broker that lets us in" };
  } catch (error) {
    const reason = error instanceof ConfigError ? error.problems.join("; ") : error instanceof Error ? error.message : String(error);
    return { name, state: "limited", detail: `AMQP_URL is set, but: ${reason}`, advice };
  } finally {
    connection?.unsafeDestroy();
  }
}

/** Rejects at the first failure, rather than when the time is over. */
function failure(connection: Connection): Promise<never> {
  return new Promise((_, reject) => {
    connection.once("error", reject);
  });
}
