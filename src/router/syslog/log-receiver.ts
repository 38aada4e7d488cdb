import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Log } from "#kit/log.ts";
import { OctetCounted, parseSyslogMessage, type SyslogMessage } from "./syslog-message.ts";

/** Where lines come in. */
export interface LogReceiverOptions {
  /** Unix socket for streams; made anew. */
  readonly socket: string;
  /** UDP on loopback, for a balancer that was started by somebody else; null: not open. */
  readonly datagrams: { readonly host: string; readonly port: number } | null;
  /** Each message as it came, and what was read in it. */
  readonly onMessage: (message: SyslogMessage, raw: string) => void;
  readonly log: Log;
}

/**
 * How long lines of a stream gather before they are read: each look wakes this process, and a sender whose socket is full sends what waits in one
 * piece instead of line by line.
 */
const gatherMs = 100;
/** A turn that brought as much was not all of it: HAProxy sends what waits in pieces of some 15 kB, and drops what does not fit its ring. */
const moreBytes = 8 * 1024;

/** Takes logs in by syslog. */
export class LogReceiver {
  readonly #options: LogReceiverOptions;
  readonly #server: Server;
  readonly #streams = new Set<Socket>();
  /** Bytes of streams that came in this turn of the loop. */
  readonly #turns = new Map<Socket, number>();
  #datagrams: DatagramSocket | null = null;
  /** Messages that could not be read. */
  refused = 0;

  constructor(options: LogReceiverOptions) {
    this.#options = options;
    this.#server = createServer((stream) => this.#stream(stream));
  }

  async start(): Promise<void> {
    const { socket, datagrams, log } = this.#options;
    await rm(socket, { force: true });
    this.#server.listen(socket);
    await once(this.#server, "listening");
    this.#server.on("error", (err) => log.warn({ err }, "a log stream could not be accepted"));
    if (datagrams === null) return;
    const receiver = createSocket("udp4");
    receiver.on("message", (message) => this.#datagram(message.toString("utf8")));
    receiver.bind({ address: datagrams.host, port: datagrams.port, exclusive: true });
    await once(receiver, "listening");
    receiver.on("error", (err) => log.warn({ err }, "log datagrams"));
    this.#datagrams = receiver;
  }

  async stop(): Promise<void> {
    this.#datagrams?.close();
    const closed = once(this.#server, "close");
    this.#server.close();
    // What was sent has to be read before it is gone: one turn of the loop to begin, one to read.
    for (const stream of this.#streams) stream.resume();
    await nextTurn();
    await nextTurn();
    for (const stream of this.#streams) stream.destroy();
    await closed;
  }

  #stream(stream: Socket): void {
    const frames = new OctetCounted();
    this.#streams.add(stream);
    stream.on("error", () => stream.destroy());
    stream.on("close", () => this.#streams.delete(stream));
    stream.on("data", (chunk: Buffer) => {
      this.#gather(stream, chunk.length);
      try {
        for (const message of frames.take(chunk)) this.#take(message);
      } catch (err) {
        this.refused += 1;
        this.#options.log.warn({ err }, "log stream refused");
        stream.destroy();
      }
    });
  }

  // Behind everything that can be read now.
  #gather(stream: Socket, bytes: number): void {
    const before = this.#turns.get(stream);
    this.#turns.set(stream, (before ?? 0) + bytes);
    if (before !== undefined) return;
    setImmediate(() => {
      const taken = this.#turns.get(stream) ?? 0;
      this.#turns.delete(stream);
      if (taken >= moreBytes) return;
      stream.pause();
      setTimeout(() => stream.resume(), gatherMs);
    });
  }

  // Anyone on this machine can send one: whatever is in it, it ends nothing.
  #datagram(raw: string): void {
    try {
      this.#take(raw);
    } catch (err) {
      this.refused += 1;
      this.#options.log.warn({ err }, "log datagram refused");
    }
  }

  #take(raw: string): void {
    const message = parseSyslogMessage(raw);
    if (message === null) this.refused += 1;
    else this.#options.onMessage(message, raw);
  }
}
