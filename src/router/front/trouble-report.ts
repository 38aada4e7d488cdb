import type { Failure, FailureCode } from "#contract/failure.ts";

/** What went wrong with one visit. */
export interface Trouble {
  readonly method: string;
  /** Without its query: what stands there may be secret. */
  readonly path: string;
  readonly status: number;
  /** Why there was no answer of the program's; null: the status is its own. */
  readonly failure: Failure | null;
}

/** Where lines of a site's log go. */
export type SendLines = (siteId: number, lines: readonly string[]) => Promise<void>;

/** A site is told of so many troubles in so long; the rest are counted. A visitor's hammering must not push a program's own words out of its log. */
export const troubleLimits = { lines: 5, everyMs: 10_000, sites: 1_000, pathLength: 200 };

// Not the program's doing, or not worth a line.
const quiet: readonly FailureCode[] = ["site_asleep", "site_not_served", "site_closed", "not_ready", "component_away", "site_starting", "page_not_kept"];

interface Batch {
  readonly lines: string[];
  skipped: number;
}

/** Hands what visitors were told instead of a program's answer, and the errors that it answered with, to the site's own log. */
export class TroubleReport {
  readonly #send: SendLines;
  readonly #batches = new Map<number, Batch>();
  #timer: NodeJS.Timeout | undefined;

  constructor(send: SendLines) {
    this.#send = send;
  }

  note(siteId: number, trouble: Trouble): void {
    if (trouble.failure !== null && quiet.includes(trouble.failure.code)) return;
    const batch = this.#batches.get(siteId) ?? { lines: [], skipped: 0 };
    if (this.#batches.size >= troubleLimits.sites && !this.#batches.has(siteId)) return;
    this.#batches.set(siteId, batch);
    if (batch.lines.length >= troubleLimits.lines) batch.skipped += 1;
    else {
      batch.lines.push(lineOf(trouble));
      // The first is told at once: somebody may be looking.
      if (batch.lines.length === 1) this.#tell(siteId, [lineOf(trouble)]);
    }
    this.#timer ??= setTimeout(() => this.flush(), troubleLimits.everyMs).unref();
  }

  /** Tells what has gathered, and begins anew. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [siteId, { lines, skipped }] of this.#batches) {
      const more = lines.slice(1);
      if (skipped > 0) more.push(`… and ${skipped} more like these`);
      if (more.length > 0) this.#tell(siteId, more);
    }
    this.#batches.clear();
  }

  // Lost when the orchestrator is away: then the site has other troubles.
  #tell(siteId: number, lines: readonly string[]): void {
    this.#send(siteId, lines).catch(() => undefined);
  }
}

function lineOf({ method, path, status, failure }: Trouble): string {
  const shown = path.length > troubleLimits.pathLength ? `${path.slice(0, troubleLimits.pathLength)}…` : path;
  return `${status} ${method} ${shown}: ${failure === null ? "the program's own answer" : failure.message}`;
}
