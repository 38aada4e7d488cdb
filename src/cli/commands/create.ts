import { createSite, readSite } from "#contract/api/sites.ts";
import { readSystem } from "#contract/api/system.ts";
import { Failure } from "#contract/failure.ts";
import { type SiteKind, siteKind } from "#contract/site.ts";
import { usageError } from "../exit-code.ts";
import { settle } from "../follow-operation.ts";
import { needSignIn, type Session } from "../session.ts";

/** What a new site is made of. */
export interface CreateOptions {
  readonly kind?: string;
  readonly starter?: string;
  readonly description?: string;
  readonly wait?: boolean;
}

/** Creates a site and waits until its operation has ended. */
export async function create(session: Session, name: string, options: CreateOptions): Promise<void> {
  needSignIn(session);
  const kind = await kindOf(session, options);
  const { starter, description } = options;
  const made = await session.client.call(createSite, {
    body: { name, kind, ...(starter === undefined ? {} : { starter }), ...(description === undefined ? {} : { description }) },
  });
  const operation = await settle(session, made.operation, options);
  const { site } = await session.client.call(readSite, { params: { name: made.site.name } });
  await session.answer({ site, operation }, `${site.url}\n`);
}

async function kindOf(session: Session, options: CreateOptions): Promise<SiteKind> {
  if (options.kind !== undefined) {
    const parsed = siteKind.safeParse(options.kind);
    if (!parsed.success) throw usageError(`The kind of a site is static or dynamic, not ${options.kind}.`);
    return parsed.data;
  }
  if (options.starter === undefined) return "static";
  const { starters } = await session.client.call(readSystem, {});
  const starter = starters.find((offer) => offer.name === options.starter);
  if (starter === undefined) throw new Failure("starter_not_found", { starter: options.starter, starters: starters.map((offer) => offer.name) });
  return starter.kind;
}
