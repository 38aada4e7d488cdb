import type { WebSocket } from "ws";
import { type TerminalEvent, terminalFrame, terminalWindowBytes } from "#contract/terminal.ts";
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
  /** Until where the other side says that it has taken everything; null: it does not say. */
  #taken: number | null = null;
  #isFull = false;
  #behindSince: number | null = null;
  #last: TerminalEvent | null = null;

  constructor(socket: WebSocket, given: { readonly scrollBack: ScrollBack; readonly from: number; readonly onCaughtUp: () => void }) {
    const { scrollBack, from, onCaughtUp } = given;
    this.socket = socket;
    this.#scrollBack = scrollBack;
    this.#onCaughtUp = onCaughtUp;
    this.#send = boundedSender(socket, () => {
      this.#isFull = false;
      this.show();
    });
    // A place that this terminal never reached is another's: everything that there is.
    this.#place = from > scrollBack.end ? 0 : from;
    this.#begin(this.#place < scrollBack.start);
  }

  /** Since when it has not been able to follow, in milliseconds; 0 when it does. */
  behindMs(): number {
    return this.#behindSince === null ? 0 : performance.now() - this.#behindSince;
  }

  /** Sends what there is, as far as there is room. */
  show(): void {
    // It was left behind for so long that the next bytes are gone.
    if (this.#place < this.#scrollBack.start && !this.#isHeldBack()) this.#begin(true);
    while (!this.#hasAll() && !this.#isHeldBack()) {
      const { offset, bytes } = this.#scrollBack.read(this.#place);
      this.#place = offset + bytes.length;
      this.#isFull = !this.#send(terminalFrame("data", bytes));
    }
    const wasBehind = this.#behindSince !== null;
    if (this.#hasAll()) this.#behindSince = null;
    else this.#behindSince ??= performance.now();
    if (!this.#hasAll()) return;
    if (this.#last !== null) tellLast(this.socket, this.#last);
    if (wasBehind) this.#onCaughtUp();
  }

  /** The other side has taken everything before this place. */
  take(offset: number): void {
    this.#taken = Math.min(offset, this.#place);
    this.show();
  }

  /** Says this when all was shown, and closes. */
  finish(event: TerminalEvent): void {
    this.#last = event;
    this.show();
  }

  #begin(skips: boolean): void {
    this.#place = Math.max(this.#place, this.#scrollBack.start);
    if (this.#taken !== null) this.#taken = this.#place;
    tell(this.socket, { type: "attached", offset: this.#place, skipped: skips, end: this.#scrollBack.end });
  }

  #hasAll(): boolean {
    return this.#place >= this.#scrollBack.end;
  }

  #isHeldBack(): boolean {
    return this.#isFull || (this.#taken !== null && this.#place - this.#taken >= terminalWindowBytes);
  }
}
