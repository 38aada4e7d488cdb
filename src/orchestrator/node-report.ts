import { statfs } from "node:fs/promises";
import { availableParallelism, freemem, hostname, loadavg, totalmem } from "node:os";
import type { FastifyInstance } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import { type NodeReport, readNode } from "#contract/internal/nodes.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import { readVersion } from "#kit/version.ts";
import type { LiveCapabilities } from "./live-capabilities.ts";
import type { Places } from "./open-places.ts";
import type { SiteStatusEvent } from "./sites/status-board.ts";

/** What a heartbeat tells. */
export interface NodeFacts {
  readonly places: Pick<Places, "id" | "storage" | "sites">;
  readonly runtime: string;
  readonly capabilities: Pick<LiveCapabilities, "now" | "trouble">;
  readonly sites: () => readonly SiteStatusEvent[];
}

/** Serves the heartbeat. */
export async function mountNode(app: FastifyInstance, guard: Guard<GrantClaims>, facts: NodeFacts): Promise<void> {
  const startedAt = new Date().toISOString();
  const version = await readVersion();
  const host = hostname();
  mount({ app, guard }, readNode, async (): Promise<NodeReport> => {
    const sites = facts.sites();
    const { bavail, bsize } = await statfs(facts.places.sites);
    const trouble = await facts.capabilities.trouble();
    const [one = 0, five = 0, fifteen = 0] = loadavg();
    const count = (state: string): number => sites.filter(({ status }) => status.state === state).length;
    return {
      ...{ id: facts.places.id, host, version, runtime: facts.runtime, storage: facts.places.storage, startedAt },
      cores: availableParallelism(),
      loadAverage: [one, five, fifteen],
      memoryBytes: totalmem(),
      freeMemoryBytes: freemem(),
      freeDiskBytes: bavail * bsize,
      isolates: facts.capabilities.now.isolates,
      missing: facts.capabilities.now.missing,
      ...(trouble === null ? {} : { trouble }),
      sites: { held: sites.length, running: count("running"), frozen: count("frozen") },
    };
  });
}
