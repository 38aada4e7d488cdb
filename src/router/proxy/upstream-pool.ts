import type { SiteAddress } from "#contract/site-spec.ts";
import { steadyNow } from "#kit/clock.ts";
import type { Timed, UpstreamClock } from "./upstream-clock.ts";
import { type ConnectionOwner, UpstreamConnection, type UpstreamUser } from "./upstream-connection.ts";

/** An idle connection is used again for so long at most; Node's own servers close theirs after five seconds. */
const reuseMs = 4000;
/** A request with a body cannot be sent twice, so it takes an idle connection only while the program can hardly have closed it. */
const reuseWithBodyMs = 1000;
/** The program's own hint less this is what is believed of it. */
const hintMarginMs = 1000;
/** Idle connections kept for one instance. */
const mostIdle = 64;

/** What users of a pool see of it. */
export type ConnectionPool = Pick<UpstreamPool, "take" | "connect" | "giveBack" | "close" | "end">;

/** The connections to one instance of a site. */
export class UpstreamPool implements ConnectionOwner, Timed {
  readonly clock: UpstreamClock;
  readonly connectMs: number;
  readonly #address: SiteAddress;
  readonly #all = new Set<UpstreamConnection>();
  /** The last one used comes first, so that a quiet site's other connections grow old and go. */
  readonly #idle: UpstreamConnection[] = [];
  #isClosed = false;

  constructor(address: SiteAddress, options: { readonly clock: UpstreamClock; readonly connectMs: number }) {
    this.#address = address;
    this.clock = options.clock;
    this.connectMs = options.connectMs;
    this.clock.add(this);
  }

  /** Calls the user back with an open connection, at once when one is idle. */
  take(user: UpstreamUser): void {
    if (user.mayUpgrade) {
      this.connect(user);
      return;
    }
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      const now = steadyNow();
      const age = now - idle.touchedAt;
      if (idle.isReusable && now <= idle.goodUntil && !(user.hasBody && age > reuseWithBodyMs)) {
        idle.use(user);
        return;
      }
      idle.abandon();
    }
    this.connect(user);
  }

  /** Opens a new connection for the user. */
  connect(user: UpstreamUser): void {
    this.#all.add(new UpstreamConnection({ address: this.#address, mayUpgrade: user.mayUpgrade }, this, user));
  }

  /** Takes a connection back whose answer is complete. */
  giveBack(connection: UpstreamConnection, hintMs: number | null): void {
    if (this.#isClosed || !connection.isReusable || this.#idle.length >= mostIdle) {
      connection.abandon();
      return;
    }
    const now = steadyNow();
    connection.idle(now);
    connection.goodUntil = now + (hintMs === null ? reuseMs : Math.max(0, Math.min(reuseMs, hintMs - hintMarginMs)));
    this.#idle.push(connection);
  }

  forget(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    if (this.#isClosed && this.#all.size === 0) this.clock.remove(this);
  }

  sweep(now: number): void {
    for (const connection of this.#all) connection.sweep(now);
  }

  /** No further requests: idle connections end now, others with their answer. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) connection.abandon();
    if (this.#all.size === 0) this.clock.remove(this);
  }

  /** Ends every connection, those to WebSockets at once, others after `graceMs`. */
  end(graceMs: number): void {
    this.close();
    for (const connection of this.#all) if (connection.isIdle) connection.abandon();
    if (this.#all.size === 0) return;
    const finish = (): void => {
      for (const connection of this.#all) connection.fail(new Error("the site was closed"));
    };
    if (graceMs === 0) finish();
    else setTimeout(finish, graceMs).unref();
  }
}
