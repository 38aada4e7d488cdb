import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { type Command, parseCommand, refusalOf } from "./command.ts";
import { dataCommands } from "./data-commands.ts";
import { replyOf } from "./failure-reply.ts";
import { type Line, LineReader } from "./line-reader.ts";
import { pathCommands } from "./path-commands.ts";
import { secureSocket } from "./secure-socket.ts";
import { type CommandHandler, type DoorDeps, newState, type SessionCore, type SessionState, type SignedIn } from "./session-core.ts";
import { settingsCommands } from "./settings-commands.ts";
import { signInCommands } from "./sign-in-commands.ts";
import { transferCommands } from "./transfer-commands.ts";

const handlers: Readonly<Record<string, CommandHandler>> = { ...signInCommands, ...settingsCommands, ...pathCommands, ...dataCommands, ...transferCommands };
/** As many lines wait as are worth reading ahead; the rest waits in the network. */
const mostWaiting = 32;

/** One control connection, from its banner to its end. Commands are done one after another, whatever packets they come in. */
export class FtpSession implements SessionCore {
  readonly deps: DoorDeps;
  readonly state: SessionState = newState();
  readonly peer: { readonly address: string; readonly localAddress: string };
  readonly #reader = new LineReader();
  readonly #waiting: Line[] = [];
  #cancelTimer: () => void;
  #secureContext: SecureContext | null = null;
  #socket: Socket;
  #isBusy = false;
  #isClosed = false;

  constructor(socket: Socket, deps: DoorDeps) {
    this.deps = deps;
    this.#socket = socket;
    this.peer = { address: plain(socket.remoteAddress), localAddress: plain(socket.localAddress) };
    this.#cancelTimer = deps.timers.after(deps.rules.signInMs, () => this.#timeOut());
    socket.setNoDelay(true);
    this.#listen(socket);
  }

  get secureContext(): SecureContext {
    this.#secureContext ??= this.deps.openSecureContext();
    return this.#secureContext;
  }

  async start(): Promise<void> {
    await this.reply(220, this.deps.rules.banner);
  }

  async reply(code: number, text: string | readonly string[]): Promise<void> {
    const lines = typeof text === "string" ? [text] : text;
    const first = lines[0] ?? "";
    const rest = lines.length === 1 ? [] : [...lines.slice(1, -1).map((line) => ` ${oneLine(line)}`), `${code} ${oneLine(lines.at(-1) ?? "")}`];
    await this.#write(`${[`${code}${lines.length === 1 ? " " : "-"}${oneLine(first)}`, ...rest].join("\r\n")}\r\n`);
  }

  async secure(context: SecureContext, code: number, text: string): Promise<void> {
    const socket = this.#socket;
    // Whatever was sent behind AUTH in clear text is nobody's: an attacker could have put it there.
    socket.removeAllListeners("data");
    socket.removeAllListeners("end");
    socket.pause();
    this.#waiting.length = 0;
    this.#reader.reset();
    await this.reply(code, text);
    while (socket.read() !== null);
    this.#socket = await secureSocket(socket, context);
    this.state.isSecure = true;
    this.#listen(this.#socket);
  }

  signIn(person: SignedIn): void {
    if (this.#isClosed) {
      person.release();
      return;
    }
    this.state.person = person;
    this.state.current = [];
    this.state.failures = 0;
    const { signal } = person.door;
    const onLost = (): void => {
      if (this.state.person === person) void this.end(421, "Your access has ended.");
    };
    signal.addEventListener("abort", onLost, { once: true });
    if (signal.aborted) onLost();
  }

  signOut(): void {
    const { state } = this;
    state.person?.release();
    state.data?.close();
    const { isSecure, hasBufferSize, protectsData, failures } = state;
    Object.assign(state, newState(), { isSecure, hasBufferSize, protectsData, failures });
  }

  async end(code: number, text: string): Promise<void> {
    if (this.#isClosed) return;
    this.state.transfer?.abort.abort(new Error(text));
    this.#waiting.length = 0;
    await this.reply(code, text);
    this.#socket.destroySoon();
    // A client that takes nothing more is not waited for.
    const socket = this.#socket;
    setTimeout(() => socket.destroy(), 1000).unref();
    this.close();
  }

  /** Ends everything of it at once. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer();
    this.#waiting.length = 0;
    this.state.transfer?.abort.abort(new Error("the control connection was closed"));
    this.state.data?.close();
    this.state.person?.release();
  }

  #listen(socket: Socket): void {
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => socket.destroySoon());
    socket.on("end", () => this.close());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.close());
  }

  #take(chunk: Buffer): void {
    if (this.#isClosed) return;
    for (const line of this.#reader.feed(chunk)) {
      if (this.state.transfer !== null && line.kind === "line" && this.#interrupts(parseCommand(line.text))) continue;
      this.#waiting.push(line);
    }
    if (this.#waiting.length >= mostWaiting) this.#socket.pause();
    if (!this.#isBusy) void this.#work();
  }

  // During a transfer these do not wait for its end.
  #interrupts(command: Command): boolean {
    if (command.verb === "ABOR") {
      this.state.wasAborted = true;
      this.state.transfer?.abort.abort(new Error("ABOR"));
      this.#waiting.unshift({ kind: "line", text: "ABOR" });
      return true;
    }
    // One whose client takes no answers has to wait: answers would pile up here.
    if (command.verb !== "STAT" || command.argument !== "" || this.#socket.writableNeedDrain) return false;
    this.#execute(command).catch(() => undefined); // the connection is gone, and what closes it says so
    return true;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    try {
      for (let line = this.#waiting.shift(); line !== undefined && !this.#isClosed; line = this.#waiting.shift()) {
        await this.#answer(line);
        this.#restartTimer();
        if (this.#waiting.length < mostWaiting && this.#socket.isPaused() && !this.#isClosed) this.#socket.resume();
      }
    } catch (err) {
      // The connection went away in the middle of something.
      if (!this.#isClosed) this.deps.log.info({ err, address: this.peer.address }, "a session ended early");
      this.#socket.destroy();
      this.close();
    } finally {
      this.#isBusy = false;
    }
  }

  async #answer(line: Line): Promise<void> {
    if (line.kind === "too-long") return this.reply(500, "Command too long.");
    if (line.kind === "not-utf8") return this.reply(501, "The line is not valid UTF-8.");
    const command = parseCommand(line.text);
    const { isSecure, protectsData, person } = this.state;
    const refusal = refusalOf(command, { isSecure, protectsData, isSignedIn: person !== null, requiresTls: this.deps.rules.requiresTls });
    if (refusal !== undefined) return this.reply(refusal.code, refusal.text);
    if (command.verb !== "RNTO" && command.verb !== "STAT") this.state.renameFrom = null;
    await this.#execute(command);
  }

  async #execute(command: Command): Promise<void> {
    try {
      await handlers[command.verb]?.(this, command.argument);
    } catch (error) {
      if (this.#isClosed || this.#socket.destroyed) throw error;
      const reply = replyOf(error);
      if (reply === undefined) this.deps.log.error({ err: error, verb: command.verb }, "a command failed");
      await this.reply(reply?.code ?? 451, reply?.text ?? "Something went wrong on our side.");
    }
  }

  #restartTimer(): void {
    // Who has not signed in yet gets no more time by talking.
    if (this.state.person === null || this.#isClosed) return;
    this.#cancelTimer();
    this.#cancelTimer = this.deps.timers.after(this.deps.rules.idleMs, () => this.#timeOut());
  }

  #timeOut(): void {
    const isIdle = this.state.person !== null;
    // A transfer has a watch of its own.
    if (this.state.transfer !== null) this.#restartTimer();
    else void this.end(421, isIdle ? "Control connection timed out." : "Signing in took too long.");
  }

  async #write(text: string): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return;
    if (socket.write(text)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once("drain", resolve).once("close", resolve);
    await promise;
    socket.off("drain", resolve).off("close", resolve);
  }
}

function plain(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:(?=\d+\.)/i, "");
}

function oneLine(text: string): string {
  return text.replace(/[\0\r\n]+/g, " ");
}
