import type { WebSocket } from "ws";
import { Failure } from "#contract/failure.ts";
import { type TerminalClosing, type TerminalOrder, type TerminalStart, terminalFrame } from "#contract/terminal.ts";
import { boundedWriter, sendStream } from "#kit/http/socket-flow.ts";
import type { EnteredProgram } from "#orchestrator/runtime/enter.ts";
import { enterSite, type TerminalHost } from "./enter-site.ts";
import { breach, hear, tell, tellLast } from "./socket-words.ts";

/** The first message has to come within this time. */
const startWithinMs = 15_000;
/** What a program has to end well when its socket has gone. */
const graceMs = 1_000;

/** A command or a shell that lives as long as its socket. */
export class ExecSession {
  readonly siteId: number;
  /** Resolves when the socket has closed and the program is gone. */
  readonly ended: Promise<void>;
  readonly #host: TerminalHost;
  readonly #socket: WebSocket;
  readonly #over = Promise.withResolvers<void>();
  readonly #startedAt: number;
  #usedAt: number;
  #starting: Promise<EnteredProgram> | null = null;
  #running: { readonly program: EnteredProgram; readonly write: (bytes: Uint8Array) => void } | null = null;
  /** What came right behind the first message, before the program stood. */
  readonly #early: (Uint8Array | TerminalOrder)[] = [];
  #isInteractive = false;

  constructor(host: TerminalHost, siteId: number, socket: WebSocket) {
    this.#host = host;
    this.siteId = siteId;
    this.#socket = socket;
    this.ended = this.#over.promise;
    this.#startedAt = host.steady.now();
    this.#usedAt = this.#startedAt;
    const timer = setTimeout(() => breach(this.#socket, "nothing was asked for"), startWithinMs).unref();
    hear(socket, {
      onBytes: (bytes) => this.#take(bytes),
      onOrder: (order) => {
        clearTimeout(timer);
        if (order.type === "start") this.#start(order);
        else this.#take(order);
      },
    });
    socket.once("close", () => {
      clearTimeout(timer);
      void this.#end(graceMs);
    });
  }

  /** Says why, and ends it. */
  close(reason: TerminalClosing): void {
    tellLast(this.#socket, { type: "closed", reason });
    void this.#end(reason === "access_changed" ? 0 : graceMs);
  }

  /** Closes it when it has lasted too long, or nobody has used it for too long; a command may work in silence. */
  look(now: number): void {
    const { idleMs, mostMs } = this.#host.limits;
    if (now - this.#startedAt > mostMs) this.close("too_long");
    else if (this.#isInteractive && now - this.#usedAt > idleMs) this.close("idle");
  }

  #start(order: TerminalStart): void {
    if (this.#starting !== null) {
      breach(this.#socket, "started already");
      return;
    }
    this.#isInteractive = order.command === null;
    this.#socket.pause();
    this.#starting = enterSite(this.#host, this.siteId, order);
    this.#starting.then(
      (program) => this.#run(program),
      (error: unknown) => this.#refuse(error),
    );
  }

  #take(item: Uint8Array | TerminalOrder): void {
    if (this.#starting === null) {
      breach(this.#socket, "the first message says what to start");
      return;
    }
    if (this.#running === null) {
      this.#early.push(item);
      return;
    }
    this.#usedAt = this.#host.steady.now();
    const { program, write } = this.#running;
    if (item instanceof Uint8Array) write(item);
    else if (item.type === "resize") program.resize({ cols: item.cols, rows: item.rows });
    else if (item.type === "signal") program.signal(item.name);
    else if (item.type === "eof") program.input.end();
  }

  #run(program: EnteredProgram): void {
    const socket = this.#socket;
    this.#running = { program, write: boundedWriter(socket, program.input) };
    // Whoever has gone meanwhile has seen to its end already.
    if (socket.readyState !== socket.OPEN) return;
    program.output.on("data", () => {
      this.#usedAt = this.#host.steady.now();
    });
    tell(socket, { type: "attached", offset: 0, skipped: false, end: 0 });
    socket.resume();
    for (const item of this.#early.splice(0)) this.#take(item);
    const sent = [sendStream(socket, program.output, (bytes) => terminalFrame("data", bytes))];
    if (program.errors !== null) sent.push(sendStream(socket, program.errors, (bytes) => terminalFrame("stderr", bytes)));
    void Promise.all([program.exited, ...sent]).then(([{ code, signal }]) => tellLast(socket, { type: "exit", code, signal }));
  }

  #refuse(error: unknown): void {
    const failure = error instanceof Failure ? error : new Failure("internal", { requestId: "unknown" });
    if (failure !== error) this.#host.log.error({ err: error, siteId: this.siteId }, "a program could not be started for somebody");
    tellLast(this.#socket, { type: "failed", code: failure.code, title: failure.message });
  }

  async #end(withinMs: number): Promise<void> {
    const program = await this.#starting?.catch(() => null);
    await program?.end(withinMs);
    this.#over.resolve();
  }
}
