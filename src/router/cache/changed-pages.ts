import { setTimeout as delay } from "node:timers/promises";
import { isPurged } from "./purged.ts";
import type { SharedPages } from "./shared-pages.ts";

/** How often an order is tried again that what routers share did not carry out for sure. */
const usualRetryMs = 1_000;
/** Of one site, orders under way for addresses of their own; with more all of its pages go. */
const mostOrders = 100;
/** In the place of an address: all pages of the site. */
const everything = null;

interface Order {
  /** The address was changed again while the order was under way. */
  isAgain: boolean;
}

/**
 * Addresses that were changed by way of this router. What routers share of them is not to be taken until it is gone for sure: it would be
 * kept here for as long as it calls itself good.
 */
export class ChangedPages {
  readonly #shared: Pick<SharedPages, "forget">;
  readonly #retryMs: number;
  readonly #orders = new Map<number, Map<string | null, Order>>();
  readonly #closing = new AbortController();

  constructor(shared: Pick<SharedPages, "forget">, retryMs = usualRetryMs) {
    this.#shared = shared;
    this.#retryMs = retryMs;
  }

  /** Has what is shared of an address forgotten, however long that takes. */
  add(siteId: number, path: string): void {
    const orders = this.#orders.get(siteId);
    const isOne = orders === undefined || orders.has(path) || (orders.size < mostOrders && !orders.has(everything));
    this.#order(siteId, isOne ? path : everything);
  }

  /** Whether what is shared of an address may be what it was before a change. */
  isOpen(siteId: number, target: string): boolean {
    const orders = this.#orders.get(siteId);
    if (orders === undefined) return false;
    const page = { path: target, tags: [] };
    for (const path of orders.keys()) if (path === everything || isPurged(page, { path })) return true;
    return false;
  }

  /** What is not carried out by now never is. */
  close(): void {
    this.#closing.abort();
  }

  #order(siteId: number, path: string | null): void {
    const orders = this.#orders.get(siteId) ?? new Map<string | null, Order>();
    this.#orders.set(siteId, orders);
    const known = orders.get(path);
    if (known !== undefined) known.isAgain = true;
    else {
      const order = { isAgain: false };
      orders.set(path, order);
      void this.#carryOut(siteId, path, order);
    }
  }

  async #carryOut(siteId: number, path: string | null, order: Order): Promise<void> {
    const { signal } = this.#closing;
    let isSure = false;
    while (!isSure && !signal.aborted) {
      order.isAgain = false;
      isSure = (await this.#shared.forget(siteId, path === everything ? {} : { path })) !== null;
      if (isSure) isSure = !order.isAgain;
      else if (path !== everything) {
        // One order for the whole site instead of many that all have to be tried again.
        this.#order(siteId, everything);
        break;
      } else await delay(this.#retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
    const orders = this.#orders.get(siteId);
    orders?.delete(path);
    if (orders?.size === 0) this.#orders.delete(siteId);
  }
}
