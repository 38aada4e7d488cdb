import { setTimeout as delay } from "node:timers/promises";
import type { FastifyInstance, FastifyReply } from "fastify";

/** Somebody who asks this often whether the process is ready is a balancer, and is to hear that it will not be. */
const watchedMs = 5_000;
/** Longer than a balancer's checks are apart. */
const noticeMs = 800;
const finishMs = 1_500;

/** Takes a server out of a balancer before it ends: it says so by `/readyz` and goes on answering, then lets end what is under way. */
export class Farewell {
  readonly #replies = new Set<FastifyReply>();
  #watchedAt = Number.NEGATIVE_INFINITY;
  #isEnding = false;

  /** Watches a server's requests; to be called before it listens. */
  watch(app: FastifyInstance): void {
    app.addHook("onRequest", async (request, reply) => {
      if (request.raw.url !== "/readyz") {
        this.#replies.add(reply);
        // Not Fastify's `onResponse`: that does not come when the client goes first, as everybody does who reads a stream of events.
        reply.raw.once("close", () => this.#replies.delete(reply));
        return;
      }
      this.#watchedAt = performance.now();
      // To HAProxy (`disable-on-404`) that means: nothing new, but what is under way goes on.
      if (this.#isEnding) return reply.code(404).send("it is about to end\n");
    });
  }

  /** How many requests are under way, streams of events too. */
  get underWay(): number {
    return this.#replies.size;
  }

  /** Resolves when nothing is under way any more but streams, or after two seconds and a half. */
  async end(): Promise<void> {
    this.#isEnding = true;
    if (performance.now() - this.#watchedAt < watchedMs) await delay(noticeMs);
    const deadline = performance.now() + finishMs;
    while (this.#isBusy() && performance.now() < deadline) await delay(10);
  }

  // Streams of events have no end of their own; whoever reads them comes back elsewhere.
  #isBusy(): boolean {
    return [...this.#replies].some((reply) => !String(reply.getHeader("content-type")).startsWith("text/event-stream"));
  }
}
