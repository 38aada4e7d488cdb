import { type ChildProcess, spawn } from "node:child_process";
import { connect, type Socket } from "node:net";

/** What a program said. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a client to its end, with this on its standard input. */
export function runClient(
  command: readonly [string, ...string[]],
  options: { readonly cwd?: string; readonly input?: string; readonly withinMs?: number } = {},
): Promise<Outcome> {
  const [file, ...args] = command;
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(file, args, { cwd: options.cwd, stdio: ["pipe", "pipe", "pipe"], timeout: options.withinMs ?? 60_000 });
    let output = "";
    const take = (chunk: Buffer): void => {
      output = `${output}${chunk.toString()}`.slice(-50_000);
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.input ?? "");
  });
}

/** A control connection in the hands of a test. */
export class RawFtp implements AsyncDisposable {
  readonly socket: Socket;
  #text = "";
  #isClosed = false;
  readonly #changed = new Set<() => void>();

  constructor(address: string, localAddress?: string) {
    const [host = "", port = ""] = address.split(":");
    this.socket = connect({ host, port: Number(port), ...(localAddress === undefined ? {} : { localAddress }) });
    this.socket.on("data", (chunk: Buffer) => {
      this.#text += chunk.toString("latin1");
      this.#wake();
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** The next reply, all of its lines; "" when the connection is closed instead. */
  async reply(withinMs = 15_000): Promise<string> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const match = /^(?:(\d{3})-[\s\S]*?\n\1 [^\n]*\n|\d{3} [^\n]*\n)/.exec(this.#text);
      if (match !== null) {
        this.#text = this.#text.slice(match[0].length);
        return match[0].trimEnd();
      }
      if (this.#isClosed) return "";
      if (Date.now() > deadline) throw new Error(`no reply; there is ${JSON.stringify(this.#text.slice(0, 500))}`);
      await this.#news(deadline - Date.now());
    }
  }

  /** Sends a line and gives its reply. */
  ask(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`);
    return this.reply();
  }

  /** Until the other side has closed. */
  async closed(withinMs = 15_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!this.#isClosed) {
      if (Date.now() > deadline) throw new Error("the connection is still open");
      await this.#news(deadline - Date.now());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
  }

  #wake(): void {
    for (const wake of [...this.#changed]) wake();
  }

  #news(maxMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#changed.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(maxMs, 1));
      this.#changed.add(done);
    });
  }
}
