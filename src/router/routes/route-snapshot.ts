import { mkdir, open, readFile, rename } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { siteRoute } from "#contract/site-spec.ts";
import { steadyNow } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";

/** What the router keeps on disk, so that it serves and wakes sites while the manager is away. */
export const routeSnapshot = z.object({
  version: z.int(),
  routes: z.array(siteRoute),
  /** The day-long token for waking sites, and the orchestrator that takes it. */
  grant: z.string(),
  orchestrator: z.url(),
  /** Where the orchestrators are that routes name. */
  nodes: z.record(z.string(), z.url()).optional(),
});
export type RouteSnapshot = z.output<typeof routeSnapshot>;

/** Ten thousand routes take some milliseconds to write out: not more often than this. */
const minimumPauseMs = 1000;

/** Keeps the latest snapshot on disk: the first change at once, further ones at most once a second. */
export class SnapshotFile {
  readonly #file: string;
  readonly #log: Log;
  #latest: (() => RouteSnapshot) | null = null;
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #writtenAt = 0;

  constructor(file: string, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  /** The snapshot on disk; undefined when there is none that can be read. */
  async read(): Promise<RouteSnapshot | undefined> {
    try {
      return routeSnapshot.parse(JSON.parse(await readFile(this.#file, "utf8")));
    } catch (err) {
      const isAbsent = err instanceof Error && "code" in err && err.code === "ENOENT";
      if (!isAbsent) this.#log.warn({ err, file: this.#file }, "route snapshot cannot be read");
      return undefined;
    }
  }

  /** Something changed: `latest` is asked for the snapshot when it is written. */
  changed(latest: () => RouteSnapshot): void {
    this.#latest = latest;
    if (this.#timer !== null || this.#writing !== null) return;
    const waitMs = Math.max(0, this.#writtenAt + minimumPauseMs - steadyNow());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, waitMs);
  }

  /** Writes what has not been written yet. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#writing !== null) await this.#writing;
    const latest = this.#latest;
    if (latest === null) return;
    this.#latest = null;
    this.#writing = this.#write(latest()).catch((err: unknown) => this.#log.error({ err, file: this.#file }, "route snapshot not written"));
    await this.#writing;
    this.#writing = null;
    this.#writtenAt = steadyNow();
    const later: (() => RouteSnapshot) | null = this.#latest;
    if (later !== null) this.changed(later);
  }

  async #write(snapshot: RouteSnapshot): Promise<void> {
    await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    const temporary = `${this.#file}.new`;
    // The grant in it opens every site's wake-up: for the router's own eyes.
    const handle = await open(temporary, "w", 0o600);
    try {
      await handle.writeFile(JSON.stringify(snapshot));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, this.#file);
  }
}
