import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";

/** Asks the resolver for all addresses of a host. */
export type FindAddresses = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

/** Where datagrams go, and how many may wait. */
export interface DatagramSenderOptions {
  readonly host: string;
  readonly port: number;
  readonly mostWaitingBytes: number;
  readonly findAddresses?: FindAddresses | undefined;
  /** Called for each message that is not sent. */
  readonly onDropped: () => void;
}

/** A name may come to mean another machine. */
const freshMs = 60_000;
/** How soon a name that was not found is asked for again. */
const againMs = 2_000;

/**
 * Sends datagrams to a host by its name, which is looked up once in a while: Node's own socket would ask for each of them, and all would
 * wait, without bound, for a resolver that is slow or away.
 */
export class DatagramSender {
  readonly #options: DatagramSenderOptions;
  readonly #find: FindAddresses;
  #target: { readonly address: string; readonly family: number; readonly socket: Socket } | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #isClosed = false;
  #waiting: string[] = [];
  #waitingBytes = 0;

  constructor(options: DatagramSenderOptions) {
    this.#options = options;
    this.#find = options.findAddresses ?? ((host) => lookup(host, { all: true }));
  }

  send(message: string): void {
    if (this.#isClosed) return;
    if (this.#target === null) this.#keep(message);
    else this.#pass(message);
    if (!this.#isAsking && performance.now() - this.#askedAt > (this.#target === null ? againMs : freshMs)) void this.#ask();
  }

  close(): void {
    this.#isClosed = true;
    this.#target?.socket.close();
    this.#target = null;
    this.#waiting = [];
  }

  #keep(message: string): void {
    const bytes = Buffer.byteLength(message);
    if (this.#waitingBytes + bytes > this.#options.mostWaitingBytes) {
      this.#options.onDropped();
      return;
    }
    this.#waiting.push(message);
    this.#waitingBytes += bytes;
  }

  #pass(message: string): void {
    const { port, mostWaitingBytes, onDropped } = this.#options;
    const target = this.#target;
    if (target === null || target.socket.getSendQueueSize() > mostWaitingBytes) {
      onDropped();
      return;
    }
    target.socket.send(message, port, target.address, (error) => {
      if (error !== null) onDropped();
    });
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    try {
      const found = await this.#find(this.#options.host);
      // As the older of the two, IPv4 is what log servers take in.
      const chosen = found.find(({ family }) => family === 4) ?? found[0];
      if (chosen !== undefined && !this.#isClosed) this.#turnTo(chosen);
    } catch {
      // Goes on to where it went before, if it knew a place; what waits is sent when there is one, and else counted.
    } finally {
      this.#askedAt = performance.now();
      this.#isAsking = false;
    }
  }

  #turnTo({ address, family }: { readonly address: string; readonly family: number }): void {
    const before = this.#target;
    const isSameFamily = before?.family === family;
    if (!isSameFamily) before?.socket.close();
    const socket = isSameFamily ? before.socket : createSocket(family === 6 ? "udp6" : "udp4").on("error", () => undefined);
    this.#target = { address, family, socket };
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const message of waiting) this.#pass(message);
  }
}
