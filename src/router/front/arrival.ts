import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

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
  /** Called when the answer is complete, and when the visitor has left before that. */
  onClose: (() => void) | null;
}
