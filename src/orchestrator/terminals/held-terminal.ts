import type { WebSocket } from "ws";
import type { HeldTerminal as HeldTerminalView } from "#contract/internal/terminals.ts";
import type { TerminalClosing, TerminalOrder, TerminalSize } from "#contract/terminal.ts";
import type { Clock, SteadyClock } from "#kit/clock.ts";
import { boundedWriter } from "#kit/http/socket-flow.ts";
import type { EnteredProgram } from "#orchestrator/runtime/enter.ts";
import type { TerminalLimits } from "./enter-site.ts";
import { ScrollBack } from "./scroll-back.ts";
import { hear, tellLast } from "./socket-words.ts";
import { TerminalReader } from "./terminal-reader.ts";
import { TitleWatch } from "./title-watch.ts";

export interface HeldTerminalParts {
  readonly id: string;
  readonly siteId: number;
  readonly userId: number;
  readonly program: EnteredProgram;
  readonly size: TerminalSize;
  /** For moments that people see. */
  readonly clock: Clock;
  /** For how long it lasts. */
  readonly steady: SteadyClock;
  readonly limits: TerminalLimits;
}

/** Whoever looks on slowly holds up the program, but not for longer than this: a page in the background is hardly given time to draw. */
const mostBehindMs = 10_000;
/** What programs have to end well. */
const graceMs = 1_000;

/** A terminal that goes on whether or not somebody looks at it. */
export class HeldTerminal {
  readonly id: string;
  readonly siteId: number;
  readonly userId: number;
  /** Resolves when all of it is gone. */
  readonly ended: Promise<void>;
  readonly #parts: HeldTerminalParts;
  readonly #scrollBack: ScrollBack;
  readonly #titles = new TitleWatch();
  readonly #readers = new Set<TerminalReader>();
  readonly #startedAt: Date;
  #usedAt: Date;
  /** By the steady clock, like the next one. */
  readonly #openFrom: number;
  #activeAt: number;
  #size: TerminalSize;
  #isClosing = false;

  constructor(parts: HeldTerminalParts) {
    this.id = parts.id;
    this.siteId = parts.siteId;
    this.userId = parts.userId;
    this.#parts = parts;
    this.#size = parts.size;
    this.#scrollBack = new ScrollBack(parts.limits.scrollBackBytes);
    this.#startedAt = new Date(parts.clock.now());
    this.#usedAt = this.#startedAt;
    this.#openFrom = parts.steady.now();
    this.#activeAt = this.#openFrom;
    this.ended = this.#follow(parts.program);
  }

  get view(): HeldTerminalView {
    return {
      id: this.id,
      startedAt: this.#startedAt.toISOString(),
      usedAt: this.#usedAt.toISOString(),
      size: this.#size,
      title: this.#titles.title,
      isAttached: this.#readers.size > 0,
    };
  }

  /** Shows it from a byte on, and lets it be typed into. */
  attach(socket: WebSocket, from: number): void {
    const { program, clock, steady } = this.#parts;
    const reader = new TerminalReader(socket, { scrollBack: this.#scrollBack, from, onCaughtUp: () => this.#goOn() });
    this.#readers.add(reader);
    socket.once("close", () => {
      this.#readers.delete(reader);
      this.#goOn();
    });
    const write = boundedWriter(socket, program.input);
    hear(socket, {
      onBytes: (bytes) => {
        this.#usedAt = new Date(clock.now());
        this.#activeAt = steady.now();
        write(bytes);
      },
      onOrder: (order) => (order.type === "taken" ? reader.take(order.offset) : this.#obey(order)),
    });
    reader.show();
  }

  /** Says why to whoever looks, and ends it. */
  async close(reason: TerminalClosing): Promise<void> {
    this.#isClosing = true;
    for (const { socket } of this.#readers) tellLast(socket, { type: "closed", reason });
    // Nobody is waited for any more.
    this.#readers.clear();
    this.#goOn();
    await this.#parts.program.end(reason === "access_changed" ? 0 : graceMs);
    await this.ended;
  }

  /** Closes it when it has lasted too long, or nothing has happened in it for too long; waits no longer for whoever does not follow. */
  look(now: number): void {
    const { idleMs, mostMs } = this.#parts.limits;
    this.#goOn();
    if (now - this.#openFrom > mostMs) void this.close("too_long");
    else if (now - this.#activeAt > idleMs) void this.close("idle");
  }

  #obey(order: TerminalOrder): void {
    if (order.type === "signal") this.#parts.program.signal(order.name);
    if (order.type !== "resize") return;
    this.#size = { cols: order.cols, rows: order.rows };
    this.#parts.program.resize(this.#size);
  }

  async #follow(program: EnteredProgram): Promise<void> {
    const { output, exited } = program;
    const shown = new Promise<void>((resolve) => void output.once("close", resolve));
    output.on("data", (chunk: Buffer) => this.#show(chunk));
    output.resume();
    const [{ code, signal }] = await Promise.all([exited, shown]);
    if (!this.#isClosing) for (const reader of this.#readers) reader.finish({ type: "exit", code, signal });
  }

  #show(chunk: Buffer): void {
    this.#scrollBack.append(chunk);
    this.#titles.read(chunk);
    // What nobody sees does not keep it open.
    if (this.#readers.size > 0) this.#activeAt = this.#parts.steady.now();
    for (const reader of this.#readers) reader.show();
    if (this.#isHeldUp()) this.#parts.program.output.pause();
  }

  #isHeldUp(): boolean {
    return [...this.#readers].some((reader) => reader.behindMs() > 0 && reader.behindMs() < mostBehindMs);
  }

  #goOn(): void {
    if (!this.#isHeldUp()) this.#parts.program.output.resume();
  }
}
