import { createConnection, type Socket } from "node:net";
import type { SiteAddress } from "#contract/site-spec.ts";
import type { ResponseHead } from "./response-head.ts";
import { ResponseParser, type ResponseSink } from "./response-parser.ts";
import type { UpstreamClock } from "./upstream-clock.ts";

/** Who uses a connection for one request. */
export interface UpstreamUser extends ResponseSink {
  readonly hasBody: boolean;
  readonly mayUpgrade: boolean;
  /** The connection is open and free: send the request. */
  onConnected(connection: UpstreamConnection): void;
  /** Everything that came in one piece was handed over. */
  onPause(): void;
  /** More of the request's body can be written. */
  onWritable(): void;
  /** The connection is of no use any more and the answer is not complete. */
  onBroken(connection: UpstreamConnection, error: Error): void;
}

/** Where to, and whether another protocol may be spoken on it after the first answer. */
export interface ConnectionPlan {
  readonly address: SiteAddress;
  readonly mayUpgrade: boolean;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  readonly clock: UpstreamClock;
  readonly connectMs: number;
  forget(connection: UpstreamConnection): void;
}

/** A time limit ran out; `seconds` is how long was waited. */
export class UpstreamTimeout extends Error {
  readonly seconds: number;

  constructor(ms: number) {
    super(`nothing came for ${Math.round(ms / 1000)} s`);
    this.name = "UpstreamTimeout";
    this.seconds = Math.round(ms / 1000);
  }
}

/**
 * Where every connection reads to. Node would set aside 64 KiB for each read otherwise, and the holes that these leave
 * make the process three times as large under load. Whoever keeps bytes beyond the call copies them.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** One connection to a site's program: one request after the other. */
export class UpstreamConnection implements ResponseSink {
  readonly socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser = new ResponseParser();
  #user: UpstreamUser | null;
  #error: Error | null = null;
  #isDetached = false;
  isConnected = false;
  /** Whether it has served a request before: the program may have closed it in the meantime. */
  isReused = false;
  /** Whether anything of the present answer has come. */
  hasAnswered = false;
  /** When something last moved, by the coarse clock. */
  touchedAt: number;
  /** How long it may be still now. */
  limitMs: number;
  /** Until when it may be used again, while it is idle. */
  goodUntil = 0;

  constructor(plan: ConnectionPlan, owner: ConnectionOwner, user: UpstreamUser) {
    const { address, mayUpgrade } = plan;
    this.#owner = owner;
    this.#user = user;
    this.touchedAt = owner.clock.now;
    this.limitMs = owner.connectMs;
    const where = "socket" in address ? { path: address.socket } : { host: address.host, port: address.port };
    // A socket that reads into a buffer of ours is no stream any more, so that nothing could be piped out of it after 101.
    this.socket = createConnection({ ...where, noDelay: true, ...(mayUpgrade ? {} : { onread: { buffer: readBuffer, callback: this.#onRead } }) });
    this.socket.on("connect", () => this.#connected());
    if (mayUpgrade) this.socket.on("data", this.#onData);
    this.socket.on("drain", this.#onDrain);
    this.socket.on("end", () => this.#ended());
    this.socket.on("error", (error) => {
      this.#error ??= error;
    });
    this.socket.on("close", () => this.#closed());
  }

  /** Whether nobody uses it. */
  get isIdle(): boolean {
    return this.#user === null;
  }

  /** Takes an idle connection for another request. */
  use(user: UpstreamUser): void {
    this.#user = user;
    this.isReused = true;
    this.hasAnswered = false;
    user.onConnected(this);
  }

  /** Sends a request's head and expects its answer. */
  send(head: string, isHeadRequest: boolean): void {
    this.touchedAt = this.#owner.clock.now;
    this.#parser.begin(isHeadRequest);
    this.socket.write(head, "latin1");
  }

  /** Whether it can carry another request after the answer is complete. */
  get isReusable(): boolean {
    return this.#parser.isIdle && !this.socket.destroyed && this.socket.writable && this.#error === null;
  }

  /** Something moved on the visitor's side. */
  touch(): void {
    this.touchedAt = this.#owner.clock.now;
  }

  /** The user is done with it. */
  idle(now: number): void {
    this.#user = null;
    this.touchedAt = now;
    // Its last visitor may have been slow: nothing is waited for any more, and neither the next answer nor the connection's end may go unread.
    this.socket.resume();
  }

  /** Gives the socket away for another protocol; it stays known to the pool, which ends it with the site. */
  detach(): Socket {
    this.#isDetached = true;
    this.#user = null;
    this.socket.removeListener("data", this.#onData);
    this.socket.removeListener("drain", this.#onDrain);
    return this.socket;
  }

  /** Ends the connection; its user hears nothing of it. */
  abandon(): void {
    this.#user = null;
    this.socket.destroy();
  }

  /** Ends the connection; its user is told why. */
  fail(error: Error): void {
    this.#error ??= error;
    this.socket.destroy();
  }

  /** Ends what has been still for too long. */
  sweep(now: number): void {
    if (this.#isDetached || this.socket.destroyed) return;
    if (this.isIdle) {
      if (now > this.goodUntil) this.socket.destroy();
    } else if (now - this.touchedAt > this.limitMs) this.fail(new UpstreamTimeout(this.limitMs));
  }

  onHead(head: ResponseHead): void {
    this.#user?.onHead(head);
  }

  onData(chunk: Buffer): void {
    this.#user?.onData(chunk);
  }

  onEnd(): void {
    this.#user?.onEnd();
  }

  onUpgrade(head: ResponseHead, rest: Buffer): void {
    this.#user?.onUpgrade(head, rest);
  }

  readonly #onRead = (length: number): boolean => {
    this.#onData(readBuffer.subarray(0, length));
    return true;
  };

  readonly #onData = (chunk: Buffer): void => {
    this.hasAnswered = true;
    this.touchedAt = this.#owner.clock.now;
    try {
      this.#parser.execute(chunk, this);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#user?.onPause();
  };

  readonly #onDrain = (): void => {
    this.touchedAt = this.#owner.clock.now;
    this.#user?.onWritable();
  };

  #connected(): void {
    this.isConnected = true;
    this.touchedAt = this.#owner.clock.now;
    if (this.#user === null) this.socket.destroy();
    else this.#user.onConnected(this);
  }

  #ended(): void {
    if (this.#isDetached) return;
    try {
      this.#parser.finish(this);
    } catch (error) {
      this.#error ??= error instanceof Error ? error : new Error(String(error));
    }
    this.#user?.onPause();
    this.socket.destroy();
  }

  #closed(): void {
    this.#owner.forget(this);
    const user = this.#user;
    this.#user = null;
    user?.onBroken(this, this.#error ?? new Error("the connection was closed"));
  }
}
