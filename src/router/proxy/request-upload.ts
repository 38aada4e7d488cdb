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
  #bytes = 0;
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
    this.#plan.req.removeListener("data", this.#onData);
    this.#plan.req.removeListener("end", this.#onEnd);
  }

  readonly #onData = (chunk: Buffer): void => {
    const { req, isChunked, mostBytes } = this.#plan;
    const connection = this.#connection;
    this.#bytes += chunk.length;
    if (this.#bytes > mostBytes) {
      this.stop();
      this.#plan.onTooLarge();
      return;
    }
    connection.touch();
    const { socket } = connection;
    if (isChunked) {
      socket.cork();
      socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
      socket.write(chunk);
    }
    const takesMore = isChunked ? socket.write("\r\n", "latin1") : socket.write(chunk);
    if (isChunked) socket.uncork();
    if (!takesMore) req.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#plan.isChunked) this.#connection.socket.write("0\r\n\r\n", "latin1");
    this.isSent = true;
    this.#plan.onSent();
  };
}
