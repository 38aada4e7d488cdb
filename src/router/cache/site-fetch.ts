import type { Failure } from "#contract/failure.ts";
import type { SiteGate } from "../gate/site-gate.ts";
import type { Target } from "../gate/target.ts";
import type { Visitor } from "../gate/waiting-visitors.ts";
import { ProtocolError, type ResponseHead } from "../proxy/response-head.ts";
import { type UpstreamConnection, UpstreamTimeout, type UpstreamUser } from "../proxy/upstream-connection.ts";
import { upstreamFailure } from "../proxy/upstream-failure.ts";

/** What is asked of a site, for nobody in particular. */
export interface FetchPlan {
  readonly gate: SiteGate;
  /** The whole head of the request, with the empty line at its end. */
  readonly head: string;
  readonly limits: { readonly responseHeadMs: number; readonly idleMs: number };
  /** Whether somebody takes part whose visit may wake the site, and keeps it awake. */
  readonly isVisit: () => boolean;
  readonly now: () => number;
  readonly onUpstreamFailure: () => void;
}

/** Takes the answer in, piece by piece. A piece of the body is only good during the call. */
export interface FetchSink {
  onHead(head: ResponseHead): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** Nothing more comes; when the head has come, the answer is not whole. */
  onFailed(failure: Failure): void;
}

/** How often a request goes back to the gate when nobody listens where it was sent. */
const mostReplays = 2;

/** One GET request to a site's program, from its gate to the last byte of the answer, without a visitor behind it. */
export class SiteFetch implements Visitor, UpstreamUser {
  readonly #plan: FetchPlan;
  readonly #sink: FetchSink;
  readonly hasBody = false;
  readonly mayUpgrade = false;
  #target: Target | null = null;
  #connection: UpstreamConnection | null = null;
  #head: ResponseHead | null = null;
  #replays = 0;
  #isDone = false;

  constructor(plan: FetchPlan, sink: FetchSink) {
    this.#plan = plan;
    this.#sink = sink;
  }

  get isGone(): boolean {
    return this.#isDone;
  }

  get mayWake(): boolean {
    return this.#plan.isVisit();
  }

  /** Sets out to the site. */
  begin(): void {
    this.#plan.gate.enter(this);
  }

  /** Nobody wants the answer any more; its sink hears nothing further. */
  abort(): void {
    if (!this.#isDone) this.#finish(false);
  }

  /** Reads no further until `resume`: whoever takes the answer cannot take more now. */
  pause(): void {
    const connection = this.#connection;
    if (connection === null) return;
    connection.socket.pause();
    connection.limitMs = this.#plan.limits.responseHeadMs;
  }

  resume(): void {
    const connection = this.#connection;
    if (connection === null) return;
    connection.touch();
    connection.limitMs = this.#plan.limits.idleMs;
    connection.socket.resume();
  }

  admit(target: Target): void {
    this.#target = target;
    this.#noteActivity();
    target.pool.take(this);
  }

  refuse(failure: Failure): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#sink.onFailed(failure);
  }

  onConnected(connection: UpstreamConnection): void {
    if (this.#isDone) {
      connection.abandon();
      return;
    }
    this.#connection = connection;
    connection.limitMs = this.#plan.limits.responseHeadMs;
    connection.send(this.#plan.head, false);
  }

  onHead(head: ResponseHead): void {
    if (this.#isDone) return;
    this.#head = head;
    if (this.#connection !== null) this.#connection.limitMs = this.#plan.limits.idleMs;
    this.#sink.onHead(head);
  }

  onData(chunk: Buffer): void {
    if (!this.#isDone) this.#sink.onData(chunk);
  }

  onEnd(): void {
    if (this.#isDone) return;
    this.#finish(true);
    this.#sink.onEnd();
  }

  onPause(): void {
    // Every piece was handed on as it came.
  }

  onWritable(): void {
    // There is no body to send.
  }

  onUpgrade(): void {
    throw new ProtocolError("it changed to another protocol without being asked");
  }

  onBroken(connection: UpstreamConnection, error: Error): void {
    if (this.#isDone) return;
    this.#connection = null;
    const target = this.#target;
    const isUntouched = !connection.isConnected || !connection.hasAnswered;
    const isTimeout = error instanceof UpstreamTimeout && connection.isConnected;
    if (target === null || !isUntouched || isTimeout || this.#replays >= mostReplays) {
      this.#plan.onUpstreamFailure();
      this.#finish(false);
      this.#sink.onFailed(upstreamFailure(error));
      return;
    }
    this.#replays += 1;
    // The program had closed an idle connection, which says nothing about the program.
    if (connection.isConnected && connection.isReused) {
      target.pool.connect(this);
      return;
    }
    this.#plan.gate.lose(target);
    this.#leaveGate();
    this.#plan.gate.enter(this);
  }

  #finish(isWhole: boolean): void {
    const connection = this.#connection;
    this.#isDone = true;
    this.#connection = null;
    if (connection !== null && isWhole && this.#head?.keepsAlive === true) this.#target?.pool.giveBack(connection, this.#head.keepAliveMs);
    else connection?.abandon();
    this.#leaveGate();
  }

  #leaveGate(): void {
    const target = this.#target;
    if (target === null) return;
    this.#target = null;
    this.#noteActivity();
    this.#plan.gate.leave(target);
  }

  #noteActivity(): void {
    const { gate, isVisit, now } = this.#plan;
    if (isVisit()) gate.lastActiveAt = now();
  }
}
