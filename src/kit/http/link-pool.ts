import { steadyNow } from "#kit/clock.ts";
import { ByteLink, type LinkTarget } from "./byte-link.ts";

/** Well below the 72 s after which our servers close an idle connection: one that is taken from here is open. */
const idleMs = 10_000;
const mostIdle = 32;

interface Idle {
  readonly link: ByteLink;
  readonly since: number;
}

/** Open connections to one server that wait for their next request. */
export class LinkPool {
  readonly #to: LinkTarget;
  readonly #idle: Idle[] = [];
  #sweep: NodeJS.Timeout | undefined;

  constructor(to: LinkTarget) {
    this.#to = to;
  }

  /** A connection, which may have been used before. */
  take(): { readonly link: ByteLink; readonly isReused: boolean } {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (!idle.link.isFree) continue;
      idle.link.hold(true);
      return { link: idle.link, isReused: true };
    }
    return { link: this.open(), isReused: false };
  }

  /** A new connection. */
  open(): ByteLink {
    return new ByteLink(this.#to);
  }

  /** Keeps a connection for the next request, if it can be used again. */
  give(link: ByteLink): void {
    if (!link.isFree || this.#idle.length >= mostIdle) {
      link.destroy(new Error("the connection is not needed any more"));
      return;
    }
    link.hold(false);
    this.#idle.push({ link, since: steadyNow() });
    this.#sweep ??= setTimeout(() => this.#close(), idleMs).unref();
  }

  #close(): void {
    const oldest = steadyNow() - idleMs;
    while (this.#idle[0] !== undefined && (this.#idle[0].since <= oldest || !this.#idle[0].link.isFree))
      this.#idle.shift()?.link.destroy(new Error("the connection was idle"));
    this.#sweep = this.#idle.length === 0 ? undefined : setTimeout(() => this.#close(), idleMs).unref();
  }
}

const pools = new Map<string, LinkPool>();

/** The pool of everybody in this process who calls this server. */
export function poolOf(baseUrl: string): LinkPool {
  const known = pools.get(baseUrl);
  if (known !== undefined) return known;
  const { hostname, port, protocol } = new URL(baseUrl);
  const isSecure = protocol === "https:";
  const pool = new LinkPool({ host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? (isSecure ? 443 : 80) : Number(port), isSecure });
  pools.set(baseUrl, pool);
  return pool;
}
