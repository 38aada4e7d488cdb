import { collectDeeds, type FileDeed } from "#contract/internal/files.ts";
import type { AuditInbox, ReportedEntry } from "#core/audit/audit-inbox.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";
import { SteadyLoop } from "./steady-loop.ts";

const everyMs = 2_000;
/** How long one question waits for something to be done. */
const waitMs = 25_000;
/** As long as the orchestrator is away, it is asked less often. */
const awayMs = 10_000;
const knownDoors: readonly string[] = ["web", "api", "cli", "ftp", "ssh", "sftp"] satisfies readonly ReportedEntry["door"][];

/**
 * Takes into the audit trail what the orchestrator has noted of destructive calls, through whichever door they came. The orchestrator keeps
 * them until they are in the database; how far that is, is written in the same transaction, so that none is missed and none comes twice.
 */
export class DeedCollector {
  readonly #deps: { readonly orchestrator: ComponentClient; readonly inbox: AuditInbox; readonly log: Log };
  #journal = "";
  #after = 0;

  constructor(deps: { readonly orchestrator: ComponentClient; readonly inbox: AuditInbox; readonly log: Log }) {
    this.#deps = deps;
  }

  /** Collects from now on; failures are tried again. */
  loop(): SteadyLoop {
    return new SteadyLoop(async (signal) => {
      try {
        await this.collect(signal, waitMs);
        return everyMs;
      } catch (err) {
        if (!signal.aborted) this.#deps.log.debug({ err }, "what was done to files cannot be collected");
        return awayMs;
      }
    });
  }

  /** Takes over what there is now; when there is nothing, what comes within `patienceMs`. */
  async collect(signal?: AbortSignal, patienceMs = 0): Promise<void> {
    const body = { after: this.#after, waitMs: this.#journal === "" ? 0 : patienceMs };
    const answer = await this.#deps.orchestrator.call(collectDeeds, { body, ...(signal === undefined ? {} : { signal }) });
    if (answer.journal !== this.#journal) {
      // At the first look, and after the orchestrator has lost its folder: numbers of one journal mean nothing in another.
      this.#journal = answer.journal;
      this.#after = await this.#deps.inbox.through(answer.journal);
      return this.collect(signal);
    }
    if (answer.through === this.#after) return;
    const piece = { journal: this.#journal, after: this.#after, through: answer.through, entries: answer.deeds.map(entryOf) };
    const isTaken = await this.#deps.inbox.take(piece);
    // Another manager was quicker: go on from where it is.
    this.#after = isTaken ? answer.through : await this.#deps.inbox.through(this.#journal);
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
