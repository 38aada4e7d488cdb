import { type TerminalClosing, type TerminalEvent, type TerminalOrder, type TerminalSize, terminalEvent, terminalFrame } from "#contract/terminal.ts";

/** How a terminal stands. `ended` is for good. */
export type LinkState =
  | { readonly kind: "connecting" }
  | { readonly kind: "open" }
  | { readonly kind: "lost" }
  | { readonly kind: "ended"; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: "closed"; readonly reason: TerminalClosing | "gone" };

/** The part of a browser's WebSocket that is needed. */
export type Socket = Pick<WebSocket, "binaryType" | "readyState" | "onmessage" | "onclose" | "send" | "close">;

export interface LinkParts {
  readonly connect: (from: number) => Socket;
  /** Why a connection failed, which a browser does not tell: whether the terminal is still there. Throws when nobody answers. */
  readonly find: () => Promise<"there" | "gone" | "forbidden">;
  /** Shows bytes, and calls back when they are drawn. What was shown before must not be answered again. */
  readonly show: (bytes: Uint8Array, given: { readonly isRepeated: boolean; readonly drawn: () => void }) => void;
  /** What comes next begins anew; `skips`: what was before it is gone. */
  readonly begin: (skips: boolean) => void;
  readonly onState: (state: LinkState) => void;
}

const firstRetryMs = 300;
const longestRetryMs = 5_000;
/** So much is drawn before it is said. */
const takenEveryBytes = 64 * 1024;
const openState = 1;

/** A page's connection to a terminal: comes back by itself, at the byte where it left. */
export class TerminalLink {
  readonly #parts: LinkParts;
  #socket: Socket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryMs = firstRetryMs;
  /** Bytes that came, and of those the ones that were drawn; null before the first connection. */
  #place: number | null = null;
  #drawn = 0;
  #said = 0;
  #repeatedUntil = 0;
  #size: TerminalSize | null = null;
  #isOver = false;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#connect();
  }

  type(bytes: Uint8Array): void {
    if (this.#socket?.readyState === openState) this.#socket.send(terminalFrame("data", bytes));
  }

  resize(size: TerminalSize): void {
    if (this.#size?.cols === size.cols && this.#size.rows === size.rows) return;
    this.#size = size;
    this.#order({ type: "resize", ...size });
  }

  /** Asks at once, instead of waiting for the next try. */
  retry(): void {
    if (this.#isOver || this.#socket !== null) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  /** Lets go of it; the terminal itself goes on. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      socket.onclose = null;
      socket.onmessage = null;
      socket.close();
    }
  }

  #connect(): void {
    this.#parts.onState({ kind: "connecting" });
    const socket = this.#parts.connect(this.#place ?? 0);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = () => this.#lost();
  }

  #take(data: unknown): void {
    if (typeof data === "string") {
      // Written by our own server; one that we do not know says nothing to us.
      const event = terminalEvent.safeParse(JSON.parse(data));
      if (event.success) this.#hear(event.data);
    } else if (data instanceof ArrayBuffer) this.#show(new Uint8Array(data, 1));
  }

  #hear(event: TerminalEvent): void {
    if (event.type === "attached") this.#attached(event);
    if (event.type === "exit") this.#finish({ kind: "ended", code: event.code, signal: event.signal });
    if (event.type === "closed") this.#finish({ kind: "closed", reason: event.reason });
  }

  #attached({ offset, skipped, end }: Extract<TerminalEvent, { readonly type: "attached" }>): void {
    this.#retryMs = firstRetryMs;
    if (this.#place === null || offset !== this.#place || skipped) this.#parts.begin(skipped);
    this.#place = offset;
    this.#drawn = offset;
    this.#repeatedUntil = end;
    this.#say(offset);
    if (this.#size !== null) this.#order({ type: "resize", ...this.#size });
    this.#parts.onState({ kind: "open" });
  }

  #show(bytes: Uint8Array): void {
    const isRepeated = (this.#place ?? 0) < this.#repeatedUntil;
    const place = (this.#place ?? 0) + bytes.length;
    this.#place = place;
    const drawn = (): void => {
      this.#drawn = Math.max(this.#drawn, place);
      if (this.#drawn - this.#said >= takenEveryBytes) this.#say(this.#drawn);
    };
    this.#parts.show(bytes, { isRepeated, drawn });
  }

  #say(offset: number): void {
    this.#said = offset;
    this.#order({ type: "taken", offset });
  }

  #order(order: TerminalOrder): void {
    if (this.#socket?.readyState === openState) this.#socket.send(JSON.stringify(order));
  }

  #finish(state: LinkState): void {
    this.stop();
    this.#parts.onState(state);
  }

  #lost(): void {
    this.#socket = null;
    if (this.#isOver) return;
    this.#parts.onState({ kind: "lost" });
    this.#timer = setTimeout(() => void this.#comeBack(), this.#retryMs);
    this.#retryMs = Math.min(longestRetryMs, this.#retryMs * 2);
  }

  async #comeBack(): Promise<void> {
    // Nobody answers: the connection is tried all the same, and fails in its turn.
    const found = await this.#parts.find().catch(() => "there" as const);
    if (this.#isOver || this.#socket !== null) return;
    if (found === "gone") this.#finish({ kind: "closed", reason: "gone" });
    else if (found === "forbidden") this.#finish({ kind: "closed", reason: "access_changed" });
    else this.#connect();
  }
}
