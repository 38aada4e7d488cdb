import { readEvents } from "#contract/events.ts";
import { fileChangeEvent, followFileChanges } from "#contract/internal/files.ts";
import type { PageRouters } from "#core/routes/page-routers.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";
import { backOffMs } from "#kit/retry.ts";

const backOff = { firstMs: 50, mostMs: 2_000 };

/** Hears from an orchestrator whose files people change, and makes what routers keep of those sites out of date. */
export class FileChangeWatch {
  readonly #deps: { readonly orchestrator: ComponentClient; readonly pages: PageRouters; readonly log: Log };
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(deps: { readonly orchestrator: ComponentClient; readonly pages: PageRouters; readonly log: Log }) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        const response = await this.#deps.orchestrator.fetch(followFileChanges, { signal });
        if (response.body === null) throw new Error("the stream has no body");
        failures = 0;
        for await (const event of readEvents(response.body)) await this.#deps.pages.outdate(fileChangeEvent.parse(JSON.parse(event.data)).siteId);
      } catch (err) {
        if (!signal.aborted) this.#deps.log.debug({ err }, "changes of files are not heard");
      }
      await rest(backOffMs(Math.max(1, failures), backOff), signal);
    }
  }
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
