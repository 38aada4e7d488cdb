import { listSites } from "#contract/api/sites.ts";
import type { SiteView } from "#contract/api/views.ts";
import { needSignIn, type Session } from "../session.ts";
import { columnsOf } from "../terminal.ts";

/** Lists the sites that I am a member of, or all of them for an administrator who asks. */
export async function sites(session: Session, options: { readonly all?: boolean; readonly search?: string }): Promise<void> {
  needSignIn(session);
  const found: SiteView[] = [];
  let cursor: string | undefined;
  do {
    const page = await session.client.call(listSites, { query: { limit: 200, cursor, search: options.search, ...(options.all ? { all: true } : {}) } });
    found.push(...page.sites);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  const rows = found.map((site) => [site.name, site.kind, site.state, site.url, site.status.reason ?? ""]);
  const text = rows.length === 0 ? "No sites yet. Make one by `backlot create NAME`.\n" : columnsOf([["NAME", "KIND", "STATE", "ADDRESS", ""], ...rows]);
  await session.answer({ sites: found }, text);
}
