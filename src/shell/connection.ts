import type { Socket } from "node:net";
import type { Connection } from "ssh2";
import { ChannelSession } from "./channel-session.ts";
import type { DoorDeps, Visitor } from "./door-deps.ts";
import { Outflow } from "./outflow.ts";
import { SignIn } from "./sign-in.ts";

/** As many sessions at once over one connection, as in OpenSSH. */
const mostSessions = 10;
/** What was said last gets so much time to arrive. */
const lastWordsMs = 1000;
const checkEveryMs = 5_000;

/** One client, from its first packet to its end. */
export class SshConnection {
  readonly #client: Connection;
  readonly #socket: Socket;
  readonly #deps: DoorDeps;
  readonly #outflow: Outflow;
  readonly #openedAt = performance.now();
  #touchedAt = performance.now();
  #visitor: Visitor | undefined;
  #release: (() => void) | undefined;
  #sessions = 0;
  #isClosed = false;
  readonly #timer: NodeJS.Timeout;

  constructor(client: Connection, socket: Socket, deps: DoorDeps) {
    this.#client = client;
    this.#socket = socket;
    this.#deps = deps;
    this.#outflow = new Outflow(socket);
    this.#timer = setInterval(() => this.#check(), Math.min(checkEveryMs, deps.rules.idleMs)).unref();
    const address = plain(socket.remoteAddress);
    const signIn = new SignIn({ deps, address, onSignedIn: (visitor) => this.#enter(visitor), end: () => this.end() });
    client.on("error", (err) => deps.log.debug({ err, address }, "a connection failed"));
    client.on("authentication", (context) => void signIn.answer(context));
    // Listened to so that the library answers it, and that nothing is forwarded.
    client.on("request", (_accept, reject) => reject?.());
    client.on("session", (accept, reject) => {
      const visitor = this.#visitor;
      if (visitor === undefined || this.#sessions >= mostSessions) return reject();
      this.#sessions += 1;
      const session = accept();
      session.once("close", () => {
        this.#sessions -= 1;
      });
      new ChannelSession(session, { deps, visitor, outflow: this.#outflow, touch: () => this.#touch() });
    });
  }

  /** Whether somebody has signed in. */
  get isSignedIn(): boolean {
    return this.#visitor !== undefined;
  }

  /** Ends it in order, and at once when that takes too long. */
  end(): void {
    if (this.#socket.destroyed) return;
    this.#client.end();
    setTimeout(() => this.#socket.destroy(), lastWordsMs).unref();
  }

  /** Its socket has closed. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#release?.();
  }

  #enter(visitor: Visitor): void {
    this.#visitor = visitor;
    this.#touch();
    if (visitor.kind !== "person" || this.#isClosed) return;
    const { door } = visitor.person;
    this.#release = this.#deps.watch.add(door);
    const onLost = (): void => this.end();
    door.signal.addEventListener("abort", onLost, { once: true });
    if (door.signal.aborted) onLost();
  }

  #touch(): void {
    this.#touchedAt = performance.now();
  }

  #check(): void {
    if (!this.isSignedIn) return;
    const now = performance.now();
    const { idleMs, longestMs } = this.#deps.rules;
    // Bytes that go out count too: whoever watches a log types nothing.
    if (this.#outflow.hasMoved()) this.#touch();
    if (now - this.#openedAt > longestMs || now - this.#touchedAt > idleMs) this.end();
  }
}

function plain(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:(?=\d+\.)/i, "");
}
