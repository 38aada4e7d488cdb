import { createConnection, type Socket } from "node:net";
import type { Log } from "#kit/log.ts";
import { DatagramSender, type FindAddresses } from "./datagram-sender.ts";

/** A log server elsewhere. */
export interface LogServer {
  readonly protocol: "udp" | "tcp";
  readonly host: string;
  readonly port: number;
}

/** Parses `udp://logs.example.org:514` or `tcp://…`. @throws {Error} for anything else. */
export function parseLogServer(address: string): LogServer {
  const url = URL.canParse(address) ? new URL(address) : null;
  const protocol = url?.protocol === "udp:" ? "udp" : url?.protocol === "tcp:" ? "tcp" : null;
  if (url === null || protocol === null || url.hostname === "") throw new Error("is no address like udp://logs.example.org:514");
  return { protocol, host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port === "" ? 514 : Number(url.port) };
}

/** Lines that wait for a log server that is away: more are dropped, since logs must never hold up what they tell of. */
export const mostWaitingBytes = 4 * 1024 * 1024;
const againMs = 2000;
const complainEveryMs = 60_000;

/** Sends syslog messages on to a log server as they came. */
export class LogForward {
  readonly #server: LogServer;
  readonly #log: Log;
  readonly #datagrams: DatagramSender | null;
  #stream: Socket | null = null;
  #again: NodeJS.Timeout | undefined;
  #isStopped = false;
  #complainedAt = Number.NEGATIVE_INFINITY;
  /** Messages that were not sent on. */
  dropped = 0;

  constructor(server: LogServer, log: Log, findAddresses?: FindAddresses) {
    this.#server = server;
    this.#log = log;
    this.#datagrams = server.protocol === "tcp" ? null : new DatagramSender({ ...server, mostWaitingBytes, onDropped: this.#drop, findAddresses });
    if (server.protocol === "tcp") this.#connect();
  }

  send(raw: string): void {
    if (this.#datagrams !== null) {
      this.#datagrams.send(raw);
      return;
    }
    const stream = this.#stream;
    if (stream === null || stream.writableLength > mostWaitingBytes) {
      this.#drop();
      return;
    }
    stream.write(`${Buffer.byteLength(raw)} ${raw}`, (error) => {
      if (error) this.#drop();
    });
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#again);
    this.#datagrams?.close();
    this.#stream?.destroySoon();
  }

  readonly #drop = (): void => {
    this.dropped += 1;
    if (this.#isStopped || performance.now() - this.#complainedAt < complainEveryMs) return;
    this.#complainedAt = performance.now();
    this.#log.warn({ dropped: this.dropped }, "log lines were not sent on");
  };

  #connect(): void {
    const stream = createConnection({ host: this.#server.host, port: this.#server.port });
    this.#stream = stream;
    stream.unref();
    stream.resume();
    stream.on("error", (err) => this.#log.warn({ err }, "log server does not answer"));
    stream.on("close", () => {
      this.#stream = null;
      if (!this.#isStopped) this.#again = setTimeout(() => this.#connect(), againMs).unref();
    });
  }
}
