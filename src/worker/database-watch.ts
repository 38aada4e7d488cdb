import { siteDatabaseName } from "#contract/site-database.ts";
import { judgeSize, type SiteDatabase } from "#core/sites/site-database.ts";
import type { MeasuredDatabase } from "#core/sites/site-database-store.ts";
import type { Log } from "#kit/log.ts";
import { type DatabaseDeps, identityOf } from "./database-steps.ts";

/** What the watch needs. */
export interface DatabaseWatchDeps extends Omit<DatabaseDeps, "databaseSeal"> {
  readonly limitBytes: number;
  readonly everyMs: number;
  readonly log: Log;
}

const pageSize = 500;

/** Measures sites' databases every so often, and holds back those that have outgrown their limit until they have shrunk. */
export class DatabaseWatch {
  readonly #deps: DatabaseWatchDeps;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(deps: DatabaseWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => void this.runOnce(), this.#deps.everyMs);
    void this.runOnce();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#isStopping = true;
    await this.#running;
  }

  /** Begins a pass unless one is under way, and resolves when it is over. */
  runOnce(): Promise<void> {
    this.#running ??= this.#pass()
      .catch((err: unknown) => this.#deps.log.warn({ err }, "sites' databases cannot be measured; the next pass tries again"))
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async #pass(): Promise<void> {
    const { databases, databaseServer } = this.#deps;
    let last = 0;
    while (!this.#isStopping) {
      const page = await databases.ready(last, pageSize);
      last = page.at(-1)?.siteId ?? last;
      // Without a database there is nothing to ask a server for, which would start it.
      if (page.length === 0) return;
      const sizes = await databaseServer.sizes(page.map(({ siteId }) => siteDatabaseName(siteId)));
      const measured: MeasuredDatabase[] = [];
      for (const database of page) {
        const bytes = sizes.get(siteDatabaseName(database.siteId));
        if (bytes !== undefined) measured.push({ siteId: database.siteId, bytes, hold: await this.#judge(database, bytes) });
      }
      await databases.measured(measured);
      if (page.length < pageSize) return;
    }
  }

  async #judge(database: SiteDatabase, bytes: number): Promise<SiteDatabase["hold"]> {
    const { databaseServer, limitBytes, log } = this.#deps;
    const hold = judgeSize(bytes, limitBytes, database.hold);
    if (hold === database.hold) return hold;
    try {
      await databaseServer.hold(identityOf(database), hold);
      log.info({ siteId: database.siteId, bytes, hold }, "a site's database changed how it is held");
      return hold;
    } catch (err) {
      // One that cannot be changed must not keep the others from being measured.
      log.warn({ err, siteId: database.siteId }, "a site's database cannot be held back");
      return database.hold;
    }
  }
}
