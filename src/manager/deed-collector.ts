import { collectDeeds, type FileDeed } from "#contract/internal/files.ts";
import type { AuditInbox, ReportedEntry } from "#core/audit/audit-inbox.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";

const everyMs = 2_000;
/** As long as the orchestrator is away, it is asked less often. */
const awayMs = 10_000;
const knownDoors: readonly string[] = ["web", "api", "cli", "ftp", "ssh", "sftp"] satisfies readonly ReportedEntry["door"][];

/**
 * Takes into the audit trail what the orchestrator has noted of destructive calls, through whichever door they came. The orchestrator keeps
 * them until they are in the database; how far that is, is written in the same transaction, so that none is missed and none comes twice.
 */
export class DeedCollector {
  readonly #deps: { readonly orchestrator: ComponentClient; readonly inbox: AuditInbox; readonly log: Log };
  readonly #stopping = new AbortController();
  #journal = "";
  #after = 0;
  #loop: Promise<void> | undefined;

  constructor(deps: { readonly orchestrator: ComponentClient; readonly inbox: AuditInbox; readonly log: Log }) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Takes over what there is now. */
  async collect(): Promise<void> {
    const answer = await this.#deps.orchestrator.call(collectDeeds, { body: { after: this.#after }, signal: this.#stopping.signal });
    if (answer.journal !== this.#journal) {
      // At the first look, and after the orchestrator has lost its folder: numbers of one journal mean nothing in another.
      this.#journal = answer.journal;
      this.#after = await this.#deps.inbox.through(answer.journal);
      return this.collect();
    }
    if (answer.through === this.#after) return;
    const piece = { journal: this.#journal, after: this.#after, through: answer.through, entries: answer.deeds.map(entryOf) };
    const isTaken = await this.#deps.inbox.take(piece);
    // Another manager was quicker: go on from where it is.
    this.#after = isTaken ? answer.through : await this.#deps.inbox.through(this.#journal);
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const isThere = await this.collect().then(
        () => true,
        (err: unknown) => {
          if (!this.#stopping.signal.aborted) this.#deps.log.debug({ err }, "what was done to files cannot be collected");
          return false;
        },
      );
      await rest(isThere ? everyMs : awayMs, this.#stopping.signal);
    }
  }
}

function entryOf(deed: FileDeed): ReportedEntry {
  const [path = ""] = deed.paths;
  return {
    at: new Date(deed.at),
    actorId: deed.userId,
    actorName: deed.userName,
    door: isDoor(deed.door) ? deed.door : "system",
    address: deed.address,
    action: deed.action,
    siteId: deed.siteId === 0 ? null : deed.siteId,
    siteName: deed.siteId === 0 ? null : deed.siteName,
    details: {
      path,
      ...(deed.count > 1 ? { count: deed.count, paths: deed.paths } : {}),
      ...(deed.siteId === 0 ? { place: "home" } : {}),
      ...(isDoor(deed.door) ? {} : { component: deed.door }),
    },
  };
}

function isDoor(door: string): door is ReportedEntry["door"] {
  return knownDoors.includes(door);
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms).unref();
    signal.addEventListener("abort", end, { once: true });
  });
}
