import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Failure } from "#contract/failure.ts";

/** What a visitor asks who wants another protocol, WebSocket mostly. */
export interface AskedUpgrade {
  readonly protocol: string;
  readonly socket: Duplex;
  /** Bytes that came right behind the request. */
  readonly head: Buffer;
}

/** A visitor's request as it came in. */
export interface Arrival {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The visitor waits for 100 before it sends the body. */
  readonly expectsContinue: boolean;
  readonly upgrade: AskedUpgrade | null;
  /** The visited host, lower case, without its port; "" until it is known. */
  host: string;
  /** Path and query as they came. */
  target: string;
  /** The site that answers; null until it is known, and when there is none. */
  siteId: number | null;
  /** Why the visitor got a page of ours instead of the site's answer. */
  failure: Failure | null;
  /** Called when the answer is complete, and when the visitor has left before that. */
  onClose: (() => void) | null;
}
