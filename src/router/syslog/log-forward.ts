import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { createConnection, type Socket } from "node:net";
import type { Log } from "#kit/log.ts";

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
  return { protocol, host: url.hostname, port: url.port === "" ? 514 : Number(url.port) };
}

/** Lines that wait for a log server that is away: more are dropped, since logs must never hold up what they tell of. */
const mostWaitingBytes = 4 * 1024 * 1024;
const againMs = 2000;

/** Sends syslog messages on to a log server as they came. */
export class LogForward {
  readonly #server: LogServer;
  readonly #log: Log;
  #datagrams: DatagramSocket | null = null;
  #stream: Socket | null = null;
  #again: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** Messages that were not sent on. */
  dropped = 0;

  constructor(server: LogServer, log: Log) {
    this.#server = server;
    this.#log = log;
    if (server.protocol === "tcp") this.#connect();
    else this.#datagrams = createSocket(server.host.includes(":") ? "udp6" : "udp4").on("error", () => undefined);
  }

  send(raw: string): void {
    const { host, port } = this.#server;
    if (this.#datagrams !== null) {
      this.#datagrams.send(raw, port, host, (error) => {
        if (error !== null) this.dropped += 1;
      });
      return;
    }
    const stream = this.#stream;
    if (stream === null || stream.writableLength > mostWaitingBytes) {
      this.dropped += 1;
      return;
    }
    stream.write(`${Buffer.byteLength(raw)} ${raw}`);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#again);
    this.#datagrams?.close();
    this.#stream?.destroySoon();
  }

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
