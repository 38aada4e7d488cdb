import { formatEvent } from "#contract/events.ts";
import type { SiteStatus } from "#contract/site.ts";

/** A status and whose it is. */
export interface SiteStatusEvent {
  readonly siteId: number;
  readonly status: SiteStatus;
}

/** How often a quiet stream says that it is alive. */
const heartbeatMs = 15_000;
const heartbeat = ": alive\n\n";

/** Tells followers what sites do. A slow one gets the newest status of each site instead of every one between. */
export class StatusBoard {
  readonly #followers = new Set<StatusFollower>();

  announce(event: SiteStatusEvent): void {
    for (const follower of this.#followers) follower.push(event);
  }

  /** Server-sent events: first what is given, then every change from now on, until the signal is aborted, which has to happen in the end. */
  follow(first: readonly SiteStatusEvent[], signal: AbortSignal): AsyncGenerator<string> {
    const follower = new StatusFollower();
    const leave = (): void => {
      this.#followers.delete(follower);
      follower.end();
    };
    for (const event of first) follower.push(event);
    this.#followers.add(follower);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    return follower.read();
  }

  /** Ends every stream: the orchestrator stops. */
  close(): void {
    for (const follower of this.#followers) follower.end();
  }
}

class StatusFollower {
  readonly #waiting = new Map<number, SiteStatus>();
  #isEnded = false;
  #wake: (() => void) | null = null;

  push(event: SiteStatusEvent): void {
    this.#waiting.set(event.siteId, event.status);
    this.#notify();
  }

  end(): void {
    this.#isEnded = true;
    this.#notify();
  }

  async *read(): AsyncGenerator<string> {
    yield heartbeat;
    while (!this.#isEnded) {
      if (this.#waiting.size === 0 && !(await this.#pushedWithin(heartbeatMs))) yield heartbeat;
      const batch = [...this.#waiting].map(([siteId, status]) => formatEvent({ siteId, status }));
      this.#waiting.clear();
      if (batch.length > 0 && !this.#isEnded) yield batch.join("");
    }
  }

  async #pushedWithin(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
