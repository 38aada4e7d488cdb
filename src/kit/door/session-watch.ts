import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "#contract/client.ts";
import { readEvents } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import { doorChange, followDoors } from "#contract/internal/doors.ts";
import { steadyNow } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import type { DoorSession } from "./door-session.ts";

const silenceMs = 30_000;
const againMs = 500;
const tickMs = 500;

/** Has sessions renewed: at once when the manager announces a change that concerns them, and from time to time. */
export class SessionWatch {
  readonly #manager: Client;
  readonly #log: Log;
  readonly #onOpen: (() => void) | undefined;
  readonly #sessions = new Set<DoorSession>();
  readonly #stopped = new AbortController();
  #isFollowing = false;
  #running: Promise<unknown> | undefined;

  /** `onOpen` is called whenever the manager can be heard (again). */
  constructor(manager: Client, log: Log, onOpen?: () => void) {
    this.#manager = manager;
    this.#log = log;
    this.#onOpen = onOpen;
  }

  /** True when changes of access are heard of; otherwise why the door cannot do its work. */
  get readiness(): true | string {
    return this.#isFollowing || "the manager does not answer, so nobody can sign in";
  }

  start(): void {
    this.#running = Promise.all([this.#follow(), this.#tick()]);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** From now on until the returned function is called. */
  add(session: DoorSession): () => void {
    this.#sessions.add(session);
    return () => void this.#sessions.delete(session);
  }

  async #tick(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const now = steadyNow();
      for (const session of this.#sessions) if (session.isDue(now, this.#isFollowing)) void session.renew();
      await sleep(tickMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopped;
    let isTold = false;
    while (!signal.aborted) {
      try {
        await this.#followOnce(signal, () => {
          isTold = false;
        });
      } catch (error) {
        if (!signal.aborted && !isTold)
          this.#log.warn({ reason: error instanceof Failure ? error.message : String(error) }, "changes of access are not heard of");
        isTold = true;
      }
      this.#isFollowing = false;
      await sleep(againMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #followOnce(signal: AbortSignal, onOpen: () => void): Promise<void> {
    const silence = new AbortController();
    const watchdog = setTimeout(() => silence.abort(new Error("the manager fell silent")), silenceMs);
    try {
      const response = await this.#manager.fetch(followDoors, { signal: AbortSignal.any([signal, silence.signal]) });
      if (response.body === null) throw new Error("the answer has no body");
      for await (const event of readEvents(response.body)) {
        watchdog.refresh();
        const change = doorChange.parse(JSON.parse(event.data));
        if (change.type === "open") {
          onOpen();
          this.#onOpen?.();
          this.#isFollowing = true;
        }
        if (change.type === "heartbeat") continue;
        for (const session of this.#sessions) if (change.type === "open" || session.concerns(change)) void session.renew();
      }
    } finally {
      clearTimeout(watchdog);
    }
  }
}
