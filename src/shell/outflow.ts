import type { Socket } from "node:net";
import type { Writable } from "node:stream";

/** What may wait for a client that reads slowly, beyond what its own window holds back. */
const mostWaitingBytes = 4 * 1024 * 1024;

/** More than a question whether the client is still there, and less than a line of a log. */
const pingBytes = 200;

/** Something that can be told to wait. */
interface Source {
  pause(): void;
  resume(): void;
}

/**
 * Keeps what waits for one client bounded: a client may announce a window of gigabytes and then read nothing, and the library writes
 * into its connection as long as the window lasts.
 */
export class Outflow {
  readonly #socket: Socket;
  #lastSent = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether more went out since this was asked last than the packets that only ask whether the client is there. */
  hasMoved(): boolean {
    const sent = this.#socket.bytesWritten;
    const moved = sent - this.#lastSent > pingBytes;
    this.#lastSent = sent;
    return moved;
  }

  /** Has everything that is written meanwhile go out at once: the library writes each packet by itself. */
  joined<T>(write: () => T): T {
    this.#socket.cork();
    try {
      return write();
    } finally {
      this.#socket.uncork();
    }
  }

  /** Resolves when the connection has room for more, or is gone. */
  async room(): Promise<void> {
    const socket = this.#socket;
    while (!socket.destroyed && socket.writableLength > mostWaitingBytes) {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.once("drain", resolve).once("close", resolve);
      await promise;
      socket.off("drain", resolve).off("close", resolve);
    }
  }

  /** For a source whose bytes go into streams of this client: it waits while one of them, or the connection, is full. */
  holder(source: Source): (stream: Writable, hasRoom: boolean) => void {
    const full = new Set<Writable>();
    let isHeld = false;
    const goOn = (): void => {
      if (!isHeld || full.size > 0) return;
      isHeld = false;
      source.resume();
    };
    return (stream, hasRoom) => {
      const isCrowded = this.#socket.writableLength > mostWaitingBytes;
      if (hasRoom && !isCrowded) return;
      if (!isHeld) source.pause();
      isHeld = true;
      if (!hasRoom && !full.has(stream)) {
        full.add(stream);
        const freed = (): void => {
          full.delete(stream);
          stream.off("drain", freed).off("close", freed);
          void this.room().then(goOn);
        };
        stream.on("drain", freed).on("close", freed);
      } else if (isCrowded) void this.room().then(goOn);
    };
  }
}
