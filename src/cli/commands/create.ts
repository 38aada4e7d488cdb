import { listImages } from "#contract/api/images.ts";
import { createSite, readSite } from "#contract/api/sites.ts";
import { readSystem } from "#contract/api/system.ts";
import { Failure } from "#contract/failure.ts";
import { type SiteKind, siteKind } from "#contract/site.ts";
import { CliError, exitCodes, usageError } from "../exit-code.ts";
import { settle } from "../follow-operation.ts";
import { needSignIn, type Session } from "../session.ts";
import { plain } from "../terminal.ts";

/** What a new site is made of. */
export interface CreateOptions {
  readonly kind?: string;
  readonly starter?: string;
  /** Name or number of an image of the catalogue. */
  readonly image?: string;
  readonly description?: string;
  readonly wait?: boolean;
}

/** Creates a site and waits until its operation has ended. */
export async function create(session: Session, name: string, options: CreateOptions): Promise<void> {
  needSignIn(session);
  const kind = await kindOf(session, options);
  const { starter, description } = options;
  const image = options.image === undefined ? undefined : await imageOf(session, options.image);
  const made = await session.client.call(createSite, {
    body: {
      name,
      kind,
      ...(starter === undefined ? {} : { starter }),
      ...(image === undefined ? {} : { image }),
      ...(description === undefined ? {} : { description }),
    },
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

/** The number of an image that was named as people do; where sites run without images the choice is kept for later. */
async function imageOf(session: Session, asked: string): Promise<number> {
  const { images, isUsed } = await session.client.call(listImages, {});
  if (!isUsed) session.note("Sites run without images here; the choice has no effect yet.");
  const found = images.find(({ id, name }) => String(id) === asked || name.toLowerCase() === asked.toLowerCase());
  if (found === undefined) {
    const names = images.map(({ name }) => name);
    const choice = names.length === 0 ? "The catalogue is empty." : `There are: ${plain(names.join(", "))}.`;
    throw new CliError("image_not_found", `There is no image ${plain(asked)} that you may choose. ${choice}`, {
      exitCode: exitCodes.notFound,
      details: { image: asked, images: names },
    });
  }
  return found.id;
}
