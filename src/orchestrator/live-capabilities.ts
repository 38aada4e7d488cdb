import type { Capabilities } from "#contract/internal/orchestrator.ts";
import type { Log } from "#kit/log.ts";
import type { SiteRuntime } from "./runtime/site-runtime.ts";
import { capabilitiesOf } from "./sites/capabilities.ts";
import { readStarters } from "./sites/starters.ts";

/** What is asked about a machine. */
export interface CapabilityDeps {
  readonly runtime: Pick<SiteRuntime, "probe" | "cleanUp" | "trouble">;
  readonly interpreters: () => Promise<Readonly<Record<string, string>>>;
  readonly startersFolder: string;
  readonly log: Log;
}

/** What this machine can do: found out at the start, and once more when the runtime can work again after it could not. */
export class LiveCapabilities {
  readonly #deps: CapabilityDeps;
  #now: Capabilities;
  #trouble: string | null;
  #looking: Promise<void> | null = null;

  private constructor(deps: CapabilityDeps, found: { readonly now: Capabilities; readonly trouble: string | null }) {
    this.#deps = deps;
    this.#now = found.now;
    this.#trouble = found.trouble;
  }

  static async open(deps: CapabilityDeps): Promise<LiveCapabilities> {
    const ended = await deps.runtime.cleanUp();
    if (ended > 0) deps.log.warn({ processes: ended }, "ended what an earlier orchestrator left running");
    const now = await find(deps);
    return new LiveCapabilities(deps, { now, trouble: (await deps.runtime.trouble?.()) ?? null });
  }

  get now(): Capabilities {
    return this.#now;
  }

  /** Why no program can be started now, in words; null when one can. */
  async trouble(): Promise<string | null> {
    const trouble = (await this.#deps.runtime.trouble?.()) ?? null;
    if (trouble !== null && this.#trouble === null) this.#deps.log.error({ trouble }, "no program can be started now");
    if (trouble === null && this.#trouble !== null) return this.#afterwards(this.#trouble);
    this.#trouble = trouble;
    return trouble;
  }

  /** It works again, which is believed once it has been tried. */
  #afterwards(trouble: string): string {
    this.#looking ??= find(this.#deps)
      .then((now) => {
        this.#now = now;
        this.#trouble = null;
        this.#deps.log.warn("programs can be started again");
      })
      .catch((err: unknown) => this.#deps.log.error({ err }, "it cannot be found out what this machine can do; the next heartbeat tries again"))
      .finally(() => {
        this.#looking = null;
      });
    return trouble;
  }
}

async function find({ runtime, interpreters, startersFolder, log }: CapabilityDeps): Promise<Capabilities> {
  const [found, programs, starters] = await Promise.all([runtime.probe(), interpreters(), readStarters(startersFolder)]);
  if (found.missing.length > 0) log.warn({ missing: found.missing }, "sites cannot be kept apart on this machine");
  return capabilitiesOf({ runtime: found, interpreters: programs, starters });
}
