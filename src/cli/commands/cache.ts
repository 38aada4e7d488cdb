import { purgeCache, readCache } from "#contract/api/cache.ts";
import { readSite, updateSite } from "#contract/api/sites.ts";
import type { SiteCache } from "#contract/site-cache.ts";
import { usageError } from "../exit-code.ts";
import { needSignIn, type Session } from "../session.ts";
import { bytesText, columnsOf } from "../terminal.ts";

/** What of the settings can be said on the command line. */
export interface CacheOptions {
  readonly default?: string;
  readonly revalidate?: string;
  readonly stale?: string;
  readonly signedIn?: boolean;
}

/** Shows what is kept of a site's answers, and how. */
export async function showCache(session: Session, name: string): Promise<void> {
  needSignIn(session);
  const { site } = await session.client.call(readSite, { params: { name } });
  const { cache } = await session.client.call(readCache, { params: { name } });
  const settings = site.cache;
  const rows = [
    ["page cache", settings.isOn ? "on" : "off"],
    ["kept without a word", settings.defaultSeconds === 0 ? "no" : `${settings.defaultSeconds} s`],
    ["old while renewed", `${settings.revalidateSeconds} s`],
    ["old while asleep", `${settings.staleSeconds} s`],
    ["signed-in visitors", settings.sharesSignedIn ? "share public pages" : "always reach the program"],
    ["pages", `${cache.entries}, ${bytesText(cache.bytes)} of ${bytesText(settings.bytes)}`],
    ["answers", `${cache.hits} kept, ${cache.stale} old, ${cache.misses} by the program, ${cache.bypassed} past the cache`],
  ];
  await session.answer({ settings, cache }, columnsOf(rows));
}

/** Switches a site's page cache, and sets how long pages are good. */
export async function setCache(session: Session, name: string, change: { readonly isOn?: boolean; readonly options: CacheOptions }): Promise<void> {
  needSignIn(session);
  const { options, isOn } = change;
  const cache: Partial<SiteCache> = {
    ...(isOn === undefined ? {} : { isOn }),
    ...secondsOf("defaultSeconds", options.default),
    ...secondsOf("revalidateSeconds", options.revalidate),
    ...secondsOf("staleSeconds", options.stale),
    ...(options.signedIn === undefined ? {} : { sharesSignedIn: options.signedIn }),
  };
  const { site } = await session.client.call(updateSite, { params: { name }, body: { cache } });
  await session.answer({ cache: site.cache }, `The page cache of ${name} is ${site.cache.isOn ? "on" : "off"}.\n`);
}

/** Makes kept answers go. */
export async function purge(session: Session, name: string, asked: { readonly path?: string; readonly prefix?: string; readonly tag?: string }): Promise<void> {
  needSignIn(session);
  const { path, prefix, tag } = asked;
  const body = { ...(path === undefined ? {} : { path }), ...(prefix === undefined ? {} : { prefix }), ...(tag === undefined ? {} : { tag }) };
  if (Object.keys(body).length > 1) throw usageError("Give one of --path, --prefix and --tag, or none of them for everything.");
  const { removed, away } = await session.client.call(purgeCache, { params: { name }, body });
  const gone = removed === null ? `Everything kept of ${name} is gone.` : `${removed} pages of ${name} are gone.`;
  const late = away === 0 ? "" : ` Routers that did not answer, and hear of it when they can be reached: ${away}.`;
  await session.answer({ removed, away }, `${gone}${late}\n`);
}

function secondsOf(field: "defaultSeconds" | "revalidateSeconds" | "staleSeconds", text: string | undefined): Partial<SiteCache> {
  if (text === undefined) return {};
  if (!/^\d{1,7}$/.test(text)) throw usageError(`${text} is no number of seconds.`);
  return { [field]: Number(text) };
}
