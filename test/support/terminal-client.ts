import type { WebSocket } from "ws";
import { type TerminalEvent, type TerminalOrder, type TerminalStart, terminalEvent, terminalFrame } from "#contract/terminal.ts";
import { bytesOf } from "#kit/http/socket-flow.ts";

/** The other side of a terminal's or a command's socket, as tests see it. */
export class TerminalClient {
  readonly socket: WebSocket;
  readonly events: TerminalEvent[] = [];
  /** The code with which the socket has closed; null while it is open. */
  closedWith: number | null = null;
  /** How many bytes of output have come. */
  received = 0;
  readonly #output: { data: string; stderr: string } = { data: "", stderr: "" };
  readonly #waiting = new Set<() => void>();
  /** Forgets what comes, but for its size. */
  keepsOutput = true;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data, isBinary) => this.#take(bytesOf(data), isBinary));
    socket.once("close", (code) => {
      this.closedWith = code;
      this.#wake();
    });
    socket.on("error", () => undefined);
    socket.resume();
  }

  get shown(): string {
    return this.#output.data;
  }

  get complaints(): string {
    return this.#output.stderr;
  }

  start(given: Partial<Omit<TerminalStart, "type">>): void {
    this.order({ type: "start", command: null, size: null, environment: {}, ...given });
  }

  order(order: TerminalOrder): void {
    this.socket.send(JSON.stringify(order));
  }

  type(text: string | Uint8Array): void {
    this.socket.send(terminalFrame("data", typeof text === "string" ? Buffer.from(text) : text));
  }

  /** Resolves when this holds, looked at after every message; rejects with what came instead. */
  async until(holds: (client: TerminalClient) => boolean, withinMs = 20_000): Promise<void> {
    const deadline = AbortSignal.timeout(withinMs);
    while (!holds(this)) {
      if (deadline.aborted)
        throw new Error(`not within ${withinMs} ms; events: ${JSON.stringify(this.events)}, shown: ${JSON.stringify(this.shown.slice(-1000))}`);
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        deadline.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** The last event of a kind, once it has come. */
  async event<T extends TerminalEvent["type"]>(type: T): Promise<Extract<TerminalEvent, { readonly type: T }>> {
    const found = (): TerminalEvent | undefined => this.events.findLast((event) => event.type === type);
    await this.until(() => found() !== undefined);
    // Found by its type just above.
    return found() as Extract<TerminalEvent, { readonly type: T }>;
  }

  #take(bytes: Buffer, isBinary: boolean): void {
    if (!isBinary) this.events.push(terminalEvent.parse(JSON.parse(bytes.toString())));
    else {
      this.received += bytes.length - 1;
      if (this.keepsOutput) this.#output[bytes[0] === 0 ? "data" : "stderr"] += bytes.subarray(1).toString("latin1");
    }
    this.#wake();
  }

  #wake(): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of all) wake();
  }
}
