import type { IncomingMessage } from "node:http";
import type { UpstreamConnection } from "./upstream-connection.ts";

/** How the body of one request travels. */
export interface UploadPlan {
  readonly req: IncomingMessage;
  readonly isChunked: boolean;
  readonly mostBytes: number;
  /** More came than the site takes. */
  readonly onTooLarge: () => void;
  /** Everything was handed to the connection. */
  readonly onSent: () => void;
}

/** Sends a request's body to a site as it comes, no faster than the site takes it, and counts it. */
export class RequestUpload {
  readonly #plan: UploadPlan;
  readonly #connection: UpstreamConnection;
  readonly #queue: Buffer[] = [];
  #bytes = 0;
  #isComplete = false;
  #isStopped = false;
  isSent = false;

  constructor(plan: UploadPlan, connection: UpstreamConnection) {
    this.#plan = plan;
    this.#connection = connection;
    plan.req.on("data", this.#onData);
    plan.req.on("end", this.#onEnd);
  }

  /** The connection takes more again. */
  resume(): void {
    if (!this.isSent) this.#plan.req.resume();
  }

  /** Nothing more of the body goes to the site. */
  stop(): void {
    this.#isStopped = true;
    this.#plan.req.removeListener("data", this.#onData);
    this.#plan.req.removeListener("end", this.#onEnd);
  }

  readonly #onData = (chunk: Buffer): void => {
    const isFirst = this.#bytes === 0;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#plan.mostBytes) {
      this.stop();
      this.#plan.onTooLarge();
      return;
    }
    this.#connection.touch();
    if (isFirst) this.#write(chunk);
    else this.#writeLater(chunk);
  };

  readonly #onEnd = (): void => {
    this.#isComplete = true;
    if (this.#queue.length === 0) this.#finish();
  };

  // A program that answers without taking the whole body closes its connection, and Node drops what came on a connection
  // as soon as a write to it fails. So whatever has come is read first.
  #writeLater(chunk: Buffer): void {
    this.#plan.req.pause();
    this.#queue.push(chunk);
    if (this.#queue.length > 1) return;
    // The first turn ends after a look at the sockets that may be older than this chunk, the second after a fresh one.
    setImmediate(() => setImmediate(() => this.#flush()));
  }

  #flush(): void {
    const queue = this.#queue.splice(0);
    if (this.#isStopped) return;
    this.#plan.req.resume();
    for (const queued of queue) this.#write(queued);
    if (this.#isComplete) this.#finish();
  }

  #write(chunk: Buffer): void {
    const { req, isChunked } = this.#plan;
    const { socket } = this.#connection;
    if (isChunked) {
      socket.cork();
      socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
      socket.write(chunk);
    }
    const takesMore = isChunked ? socket.write("\r\n", "latin1") : socket.write(chunk);
    if (isChunked) socket.uncork();
    if (!takesMore) req.pause();
  }

  #finish(): void {
    if (this.#plan.isChunked) this.#connection.socket.write("0\r\n\r\n", "latin1");
    this.isSent = true;
    this.#plan.onSent();
  }
}
