import type { WebSocket } from "ws";
import { type TerminalEvent, terminalFrame } from "#contract/terminal.ts";
import { boundedSender } from "#kit/http/socket-flow.ts";
import type { ScrollBack } from "./scroll-back.ts";
import { tell, tellLast } from "./socket-words.ts";

/** Somebody who looks at a terminal, and how far they have been shown it. */
export class TerminalReader {
  readonly socket: WebSocket;
  readonly #scrollBack: ScrollBack;
  readonly #send: (message: Uint8Array) => boolean;
  readonly #onCaughtUp: () => void;
  #place: number;
  #isFull = false;
  #fullSince = 0;
  #last: TerminalEvent | null = null;

  constructor(socket: WebSocket, given: { readonly scrollBack: ScrollBack; readonly from: number; readonly onCaughtUp: () => void }) {
    const { scrollBack, from, onCaughtUp } = given;
    this.socket = socket;
    this.#scrollBack = scrollBack;
    this.#onCaughtUp = onCaughtUp;
    this.#send = boundedSender(socket, () => {
      this.#isFull = false;
      this.show();
      if (this.hasAll) this.#onCaughtUp();
    });
    // A place of another terminal's time: everything that there is.
    const asked = from > scrollBack.end ? 0 : from;
    this.#place = Math.max(asked, scrollBack.start);
    tell(socket, { type: "attached", offset: this.#place, skipped: asked < scrollBack.start, end: scrollBack.end });
  }

  /** Whether all that there is was sent. */
  get hasAll(): boolean {
    return this.#place >= this.#scrollBack.end;
  }

  /** Sends what there is, as far as there is room. */
  show(): void {
    while (!this.#isFull && !this.hasAll) {
      const { offset, bytes } = this.#scrollBack.read(this.#place);
      this.#place = offset + bytes.length;
      if (!this.#send(terminalFrame("data", bytes))) {
        this.#isFull = true;
        this.#fullSince = Date.now();
      }
    }
    if (this.#last !== null && this.hasAll) tellLast(this.socket, this.#last);
  }

  /** For how long it has taken nothing. */
  stuckMs(): number {
    return this.#isFull ? Date.now() - this.#fullSince : 0;
  }

  /** Says this when all was shown, and closes. */
  finish(event: TerminalEvent): void {
    this.#last = event;
    this.show();
  }
}
