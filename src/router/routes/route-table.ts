import type { SiteRoute } from "#contract/site-spec.ts";

/** Hears of every site whose route is new, different or gone (`undefined`). */
export type RouteListener = (siteId: number, route: SiteRoute | undefined) => void;

/** Every site by host name, name and number. A change is visible to the next request. */
export class RouteTable {
  readonly #byHost = new Map<string, SiteRoute>();
  readonly #byName = new Map<string, SiteRoute>();
  readonly #byId = new Map<number, SiteRoute>();
  readonly #listeners = new Set<RouteListener>();
  readonly #deletionListeners = new Set<(siteId: number) => void>();
  readonly #versionWaiters = new Set<() => void>();
  #version = 0;

  /** The manager's version of this table; 0 until its feed has spoken, whatever the disk held. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#byId.size;
  }

  byHost(host: string): SiteRoute | undefined {
    return this.#byHost.get(host);
  }

  byName(name: string): SiteRoute | undefined {
    return this.#byName.get(name);
  }

  byId(siteId: number): SiteRoute | undefined {
    return this.#byId.get(siteId);
  }

  all(): IterableIterator<SiteRoute> {
    return this.#byId.values();
  }

  onChange(listener: RouteListener): void {
    this.#listeners.add(listener);
  }

  /** Hears of sites that were deleted. A table that does not name a site may be an older or another one: nothing is to be thrown away for that. */
  onDeleted(listener: (siteId: number) => void): void {
    this.#deletionListeners.add(listener);
  }

  /** Takes a whole table in. */
  replace(routes: readonly SiteRoute[], version: number): void {
    const kept = new Set(routes.map((route) => route.siteId));
    const removed = [...this.#byId.keys()].filter((siteId) => !kept.has(siteId));
    this.#take(routes, removed, version);
  }

  /** Takes a change in; `removed` were deleted. */
  change(upserts: readonly SiteRoute[], removed: readonly number[], version: number): void {
    this.#take(upserts, removed, version);
    for (const listener of this.#deletionListeners) for (const siteId of removed) listener(siteId);
  }

  /** All old entries go before new ones come, so that two sites can swap a name. */
  #take(upserts: readonly SiteRoute[], removed: readonly number[], version: number): void {
    for (const siteId of removed) this.#forget(siteId);
    for (const route of upserts) this.#forget(route.siteId);
    for (const route of upserts) {
      this.#byId.set(route.siteId, route);
      this.#byName.set(route.name, route);
      for (const host of route.hosts) this.#byHost.set(host, route);
    }
    this.#version = version;
    for (const listener of this.#listeners) {
      for (const siteId of removed) listener(siteId, undefined);
      for (const route of upserts) listener(route.siteId, route);
    }
    for (const wake of [...this.#versionWaiters]) wake();
  }

  /** Resolves with the version when it has been reached, or after `timeoutMs` with the version there is. */
  whenVersion(version: number, timeoutMs: number): Promise<number> {
    if (this.#version >= version) return Promise.resolve(this.#version);
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#versionWaiters.delete(check);
        clearTimeout(timer);
        resolve(this.#version);
      };
      const check = (): void => {
        if (this.#version >= version) finish();
      };
      const timer = setTimeout(finish, timeoutMs);
      this.#versionWaiters.add(check);
    });
  }

  #forget(siteId: number): void {
    const old = this.#byId.get(siteId);
    if (old === undefined) return;
    this.#byId.delete(siteId);
    // Another site may have taken the name or host already, in a change that came in an odd order.
    if (this.#byName.get(old.name) === old) this.#byName.delete(old.name);
    for (const host of old.hosts) if (this.#byHost.get(host) === old) this.#byHost.delete(host);
  }
}
