import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "#contract/client.ts";
import { readEvents } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import { followRoutes, type RouteFeedEvent, routeFeedEvent } from "#contract/internal/manager.ts";
import type { GrantSigner } from "#kit/grant.ts";
import type { Log } from "#kit/log.ts";
import { backOffMs } from "#kit/retry.ts";

/** What following the feed takes. */
export interface RouteFeedOptions {
  readonly managerUrl: string;
  readonly signer: GrantSigner;
  readonly log: Log;
  /** Without an event for so long the connection counts as dead. */
  readonly silenceMs: number;
  /** What the manager is told of this router. */
  readonly self?: { readonly id: string; readonly host: string; readonly version: string };
  readonly onEvent: (event: RouteFeedEvent) => void;
  readonly onConnected: (isConnected: boolean) => void;
}

// A manager that has just been started should not wait for its routers: each try is one refused connection.
const backOff = { firstMs: 100, mostMs: 1000 };

/** Follows the manager's route feed until the signal is aborted, connecting again whenever it ends. Never rejects. */
export async function followRouteFeed(options: RouteFeedOptions, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await followOnce(options, signal, () => {
        failures = 0;
        options.onConnected(true);
      });
      options.log.info("route feed ended");
    } catch (err) {
      if (signal.aborted) return;
      // A manager that is away is told in words; only what is unexpected shows its stack.
      if (failures === 0) options.log.warn(err instanceof Failure ? { reason: err.message } : { err }, "route feed lost");
    }
    options.onConnected(false);
    failures += 1;
    // Half of the wait is random, so that several routers do not come back in step.
    const waitMs = backOffMs(failures, backOff) * (0.5 + Math.random() / 2);
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

async function followOnce(options: RouteFeedOptions, signal: AbortSignal, onSnapshot: () => void): Promise<void> {
  const silence = new AbortController();
  const watchdog = setTimeout(() => silence.abort(new Error("the route feed fell silent")), options.silenceMs);
  const client = createClient({
    baseUrl: options.managerUrl,
    peer: "manager",
    token: () => options.signer.sign({ aud: "manager", sub: "router", site: "*", verbs: ["route.feed"] }),
  });
  try {
    const response = await client.fetch(followRoutes, { query: { ...options.self }, signal: AbortSignal.any([signal, silence.signal]) });
    if (response.body === null) throw new Error("the route feed has no body");
    for await (const event of readEvents(response.body)) {
      watchdog.refresh();
      const message = routeFeedEvent.parse(JSON.parse(event.data));
      options.onEvent(message);
      if (message.type === "snapshot") onSnapshot();
    }
  } finally {
    clearTimeout(watchdog);
  }
}
