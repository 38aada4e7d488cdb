import { createHash, randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { z } from "zod";
import type { PurgeRequest } from "#contract/site-cache.ts";
import { steadyNow } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import { Circuit } from "./circuit.ts";
import type { HeaderOf, ShelfTerms } from "./memory-pages.ts";
import { bytesOf, type Page, uselessAt, variedBy } from "./page.ts";
import { decodePage, encodePage } from "./page-format.ts";
import { isPurged } from "./purged.ts";
import { forgetScript, keepScript, releaseScript } from "./redis-scripts.ts";
import type { Claim, SharedPages } from "./shared-pages.ts";

/** What the shared pages are bounded by. */
export interface RedisPagesOptions {
  /** `redis://…`, `rediss://…`, or the path of a socket. */
  readonly url: string;
  readonly log: Log;
  /** How long an answer of Redis is waited for. */
  readonly timeoutMs: number;
  /** All pages of all sites together. */
  readonly mostBytes: number;
  /** How long one router has for asking a program before another may ask too. */
  readonly claimMs: number;
}

/** The oldest Redis that can do what is asked of it. */
const oldestVersion = 5;
/** Pages of one site. */
const mostEntries = 5_000;
/** Questions that wait for Redis at once, and bytes on their way to it: with more, it counts as away. */
const mostPending = 500;
const mostWriting = 16 * 1024 * 1024;
/** A purge may take longer: it must be sure. */
const purgeMs = 2_000;
/** A Redis that is full is left alone for a while; what it has can be read. */
const fullMs = 1_000;
const breaking = { failures: 3, firstMs: 500, mostMs: 10_000 };

const aboutPage = z.object({ path: z.string(), tags: z.array(z.string()) });
const varyNames = z.array(z.string());

/**
 * Pages in Redis, for all routers. Every start of a Redis begins an empty cache: what an earlier one had on disk may have been purged since.
 * When it is slow, full or gone, everything goes on without it.
 */
export class RedisPages implements SharedPages {
  readonly #options: RedisPagesOptions;
  readonly #redis: Redis;
  readonly #circuit = new Circuit(breaking);
  readonly #token = randomUUID();
  /** Before all keys; null while Redis is not there or cannot be used. */
  #prefix: string | null = null;
  #pending = 0;
  #writing = 0;
  #fullUntil = 0;
  #hasComplained = false;

  constructor(options: RedisPagesOptions) {
    this.#options = options;
    this.#redis = new Redis(options.url, {
      protocol: 2,
      connectionName: "backlot-router",
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      connectTimeout: 2_000,
      retryStrategy: (tries) => Math.min(50 * tries, 1_000),
    });
    this.#redis.on("ready", () => void this.#opened());
    this.#redis.on("close", () => {
      this.#prefix = null;
    });
    this.#redis.on("error", (err: unknown) => this.#complain(err));
  }

  get isThere(): boolean {
    return this.#prefix !== null && this.#pending < mostPending && this.#circuit.wouldAllow(steadyNow());
  }

  get state(): "connected" | "away" {
    return this.#prefix !== null && this.#circuit.isClosed ? "connected" : "away";
  }

  async find(siteId: number, terms: ShelfTerms, asked: { readonly key: string; readonly headerOf: HeaderOf }): Promise<Page | undefined> {
    const bytes = await this.#try(async (prefix) => {
      const names = await this.#redis.get(`${prefix}vary:${siteId}:${nameOf(asked.key)}`);
      if (names === null) return null;
      const page = nameOf(`${asked.key}\n${variedBy(varyNames.parse(JSON.parse(names)), asked.headerOf)}`);
      return this.#redis.getBuffer(`${prefix}page:${siteId}:${page}`);
    });
    const page = bytes === null || bytes === undefined ? undefined : decodePage(bytes);
    // Two addresses with the same name would be a wonder; one of another generation is out of date.
    return page?.generation === terms.generation && page.key === asked.key ? page : undefined;
  }

  async keep(siteId: number, terms: ShelfTerms, page: Page): Promise<void> {
    const size = bytesOf(page);
    const ttl = Math.floor(uselessAt(page) - Date.now());
    if (size > terms.bytes || ttl <= 0 || steadyNow() < this.#fullUntil || this.#writing + size > mostWriting) return;
    this.#writing += size;
    const name = nameOf(`${page.key}\n${page.varied}`);
    const address = nameOf(page.key);
    const about = JSON.stringify({ path: page.path, tags: page.tags, address });
    const limits = [terms.bytes, this.#options.mostBytes, mostEntries];
    await this.#try((prefix) =>
      this.#redis.eval(keepScript, 0, ...[prefix, siteId, name, encodePage(page), JSON.stringify(page.vary), address, about, size, Date.now(), ttl, ...limits]),
    );
    this.#writing -= size;
  }

  async claim(key: string): Promise<Claim> {
    const answer = await this.#try((prefix) => this.#redis.set(`${prefix}claim:${nameOf(key)}`, this.#token, "PX", this.#options.claimMs, "NX"));
    return answer === undefined ? "unknown" : answer === "OK" ? "mine" : "another";
  }

  async isClaimed(key: string): Promise<boolean> {
    return (await this.#try((prefix) => this.#redis.exists(`${prefix}claim:${nameOf(key)}`))) === 1;
  }

  async release(key: string): Promise<void> {
    await this.#try((prefix) => this.#redis.eval(releaseScript, 1, `${prefix}claim:${nameOf(key)}`, this.#token));
  }

  async forget(siteId: number, asked: PurgeRequest): Promise<number | null> {
    const prefix = this.#prefix;
    if (prefix === null) return null;
    try {
      const names = await this.#namesOf(`${prefix}about:${siteId}`, asked);
      let gone = 0;
      // Lua takes some thousands of arguments at once, not more.
      for (let at = 0; at < names.length; at += 1_000) {
        gone += Number(await within(purgeMs, this.#redis.eval(forgetScript, 0, prefix, siteId, ...names.slice(at, at + 1_000))));
      }
      return this.#prefix === prefix ? gone : null;
    } catch (err) {
      this.#complain(err);
      return null;
    }
  }

  /** Pages that are to go. What is noted of a page may be of a router of another version: one of which this cannot be said goes, too. */
  async #namesOf(key: string, asked: PurgeRequest): Promise<readonly string[]> {
    const isAll = Object.values(asked).every((value) => value === undefined);
    if (isAll) return within(purgeMs, this.#redis.hkeys(key));
    const all = Object.entries(await within(purgeMs, this.#redis.hgetall(key)));
    return all.flatMap(([name, text]) => {
      const about = aboutIn(text);
      return about === null || isPurged(about, asked) ? [name] : [];
    });
  }

  async close(): Promise<void> {
    this.#prefix = null;
    this.#redis.disconnect();
  }

  /** Asks Redis, unless it is away; undefined when it does not answer in time or cannot do it. */
  async #try<T>(ask: (prefix: string) => Promise<T>): Promise<T | undefined> {
    const prefix = this.#prefix;
    if (prefix === null || this.#pending >= mostPending || !this.#circuit.allows(steadyNow())) return undefined;
    this.#pending += 1;
    try {
      const answer = await within(this.#options.timeoutMs, ask(prefix));
      this.#circuit.succeeded();
      return answer;
    } catch (err) {
      this.#complain(err);
      if (err instanceof Error && err.name === "ReplyError") {
        // It is there, and cannot do this one thing: full, mostly.
        this.#circuit.succeeded();
        if (/^OOM/.test(err.message)) this.#fullUntil = steadyNow() + fullMs;
        return undefined;
      }
      // What was asked and not answered would gather in the client, for ever when Redis hangs.
      if (this.#circuit.failed(steadyNow()) && err instanceof NoAnswer) this.#redis.disconnect(true);
      return undefined;
    } finally {
      this.#pending -= 1;
    }
  }

  async #opened(): Promise<void> {
    try {
      const info = await within(purgeMs, this.#redis.info("server"));
      const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? "";
      const run = /^run_id:(\w+)/m.exec(info)?.[1] ?? "";
      if (Number.parseInt(version, 10) < oldestVersion || run === "")
        throw new Error(`Redis ${version} is too old for the page cache: it needs ${oldestVersion}`);
      this.#prefix = `backlot:pages:${run.slice(0, 16)}:`;
      this.#circuit.succeeded();
      this.#hasComplained = false;
      this.#options.log.info({ version }, "pages are shared by Redis");
    } catch (err) {
      this.#complain(err);
      // Asked again later, on another connection.
      setTimeout(() => {
        if (this.#redis.status === "ready") this.#redis.disconnect(true);
      }, breaking.mostMs).unref();
    }
  }

  // Once for each absence: a Redis that is away would fill the log.
  #complain(err: unknown): void {
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#options.log.warn({ err }, "pages are not shared: Redis is away");
  }
}

function aboutIn(text: string): z.output<typeof aboutPage> | null {
  try {
    return aboutPage.parse(JSON.parse(text));
  } catch {
    return null; // no JSON, or none of our notes
  }
}

class NoAnswer extends Error {}

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswer(`Redis did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}

function nameOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
