import { LRUCache } from "lru-cache";
import type { RouteCache } from "#contract/site-cache.ts";
import { bytesOf, type Page, variedBy } from "./page.ts";

/** Gives the value of a request's header by its lower-case name. */
export type HeaderOf = (name: string) => string;

/** What a shelf is bounded by, and which generation of pages it holds. */
export type ShelfTerms = Pick<RouteCache, "generation" | "bytes">;

/** How long an address that gave nothing to keep is remembered as such: requests for it need not wait for each other. */
const passMs = 10_000;
const mostPasses = 1000;

/** The pages of one site, the least recently used of which go first. */
class Shelf {
  readonly generation: number;
  readonly pages: LRUCache<string, Page>;
  /** Until when an address is known to give nothing to keep. */
  readonly #passes = new Map<string, number>();
  /** On which headers the answers of an address depend. */
  readonly #vary = new Map<string, { names: readonly string[]; count: number }>();

  constructor({ generation, bytes }: ShelfTerms) {
    this.generation = generation;
    this.pages = new LRUCache<string, Page>({ maxSize: bytes, sizeCalculation: bytesOf, dispose: (page) => this.#disposed(page) });
  }

  get bytes(): number {
    return this.pages.calculatedSize;
  }

  find(key: string, headerOf: HeaderOf): Page | undefined {
    const vary = this.#vary.get(key);
    return vary === undefined ? undefined : this.pages.get(`${key}\n${variedBy(vary.names, headerOf)}`);
  }

  varyOf(key: string): readonly string[] | undefined {
    return this.#vary.get(key)?.names;
  }

  pass(key: string, now: number): void {
    this.#passes.delete(key);
    this.#passes.set(key, now + passMs);
    const [oldest] = this.#passes.keys();
    if (this.#passes.size > mostPasses && oldest !== undefined) this.#passes.delete(oldest);
  }

  isPassed(key: string, now: number): boolean {
    const until = this.#passes.get(key);
    if (until === undefined || now < until) return until !== undefined;
    this.#passes.delete(key);
    return false;
  }

  keep(page: Page): void {
    if (bytesOf(page) > this.pages.maxSize) return;
    const known = this.#vary.get(page.key) ?? { names: page.vary, count: 0 };
    known.count += 1;
    known.names = page.vary;
    this.#vary.set(page.key, known);
    this.#passes.delete(page.key);
    this.pages.set(`${page.key}\n${page.varied}`, page);
  }

  #disposed(page: Page): void {
    const known = this.#vary.get(page.key);
    if (known === undefined) return;
    known.count -= 1;
    if (known.count === 0) this.#vary.delete(page.key);
  }
}

/** Pages in this process' memory: bounded for each site by the site's own number, and for all together. */
export class MemoryPages {
  readonly #shelves = new Map<number, Shelf>();
  readonly #mostBytes: number;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    let sum = 0;
    for (const shelf of this.#shelves.values()) sum += shelf.bytes;
    return sum;
  }

  find(siteId: number, terms: ShelfTerms, asked: { readonly key: string; readonly headerOf: HeaderOf }): Page | undefined {
    const shelf = this.#shelves.get(siteId);
    return shelf === undefined || shelf.generation < terms.generation ? undefined : shelf.find(asked.key, asked.headerOf);
  }

  /** On which headers the answers of an address depend; undefined when none is kept. */
  varyOf(siteId: number, key: string): readonly string[] | undefined {
    return this.#shelves.get(siteId)?.varyOf(key);
  }

  /** Keeps a page, unless it is of another generation than the shelf: it was asked for before everything was to go. */
  keep(siteId: number, terms: ShelfTerms, page: Page): void {
    const shelf = this.#shelf(siteId, terms);
    if (shelf.generation !== page.generation) return;
    shelf.keep(page);
    this.#makeRoom();
  }

  /** Whether the address lately gave nothing to keep. */
  isPassed(siteId: number, key: string): boolean {
    return this.#shelves.get(siteId)?.isPassed(key, Date.now()) === true;
  }

  /** Remembers that the address gives nothing to keep. */
  pass(siteId: number, terms: ShelfTerms, key: string): void {
    this.#shelf(siteId, terms).pass(key, Date.now());
  }

  /** Forgets the pages of a site that match; gives how many. */
  forget(siteId: number, matches: (page: Page) => boolean): number {
    const pages = this.#shelves.get(siteId)?.pages;
    const found = [...(pages?.entries() ?? [])].filter(([, page]) => matches(page));
    for (const [key] of found) pages?.delete(key);
    return found.length;
  }

  /** Whether what is kept of a site is of this generation, and bounded like this; true when nothing is kept. */
  isOf(siteId: number, terms: ShelfTerms): boolean {
    const shelf = this.#shelves.get(siteId);
    return shelf === undefined || shelf.generation === terms.generation;
  }

  /** Forgets a site. */
  drop(siteId: number): void {
    this.#shelves.delete(siteId);
  }

  counts(siteId: number): { readonly entries: number; readonly bytes: number } {
    const shelf = this.#shelves.get(siteId);
    return { entries: shelf?.pages.size ?? 0, bytes: shelf?.bytes ?? 0 };
  }

  #shelf(siteId: number, terms: ShelfTerms): Shelf {
    const known = this.#shelves.get(siteId);
    if (known !== undefined && known.generation >= terms.generation) return known;
    const shelf = new Shelf(terms);
    this.#shelves.set(siteId, shelf);
    return shelf;
  }

  // The site that takes the most gives way: one site with many pages must not push out the few of another.
  #makeRoom(): void {
    while (this.bytes > this.#mostBytes) {
      let fullest: Shelf | undefined;
      for (const shelf of this.#shelves.values()) if (fullest === undefined || shelf.bytes > fullest.bytes) fullest = shelf;
      if (fullest?.pages.pop() === undefined) return;
    }
  }
}
