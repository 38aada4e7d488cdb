import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type SecureVersion, type TLSSocket } from "node:tls";

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

  /** Connects to an address, or takes a connection that is there. */
  constructor(to: string | Socket, localAddress?: string) {
    this.socket = typeof to === "string" ? connectTo(to, localAddress) : to;
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
  async reply(withinMs = 30_000): Promise<string> {
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
  async closed(withinMs = 30_000): Promise<void> {
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

function connectTo(address: string, localAddress: string | undefined): Socket {
  const { hostname, port } = new URL(`ftp://${address}`);
  return connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port), ...(localAddress === undefined ? {} : { localAddress }) });
}

/** A control connection under TLS in the hands of a test. */
export class SecureFtp implements AsyncDisposable {
  readonly #plain: RawFtp;
  readonly #control: RawFtp;
  readonly #version: SecureVersion;
  /** The newest session that the server gave. */
  session: Buffer | undefined;

  private constructor(plain: RawFtp, socket: TLSSocket, version: SecureVersion) {
    this.#plain = plain;
    this.#control = new RawFtp(socket);
    this.#version = version;
    this.session = socket.getSession();
    socket.on("session", (session) => {
      this.session = session;
    });
  }

  /** Has the connection protected. */
  static async open(plain: RawFtp, version: SecureVersion = "TLSv1.3"): Promise<SecureFtp> {
    const answer = await plain.ask("AUTH TLS");
    if (!answer.startsWith("234")) throw new Error(answer);
    const socket = connectTls({ socket: plain.socket, rejectUnauthorized: false, minVersion: version, maxVersion: version });
    const ftp = new SecureFtp(plain, socket, version);
    await once(socket, "secureConnect");
    return ftp;
  }

  ask(line: string): Promise<string> {
    return this.#control.ask(line);
  }

  reply(): Promise<string> {
    return this.#control.reply();
  }

  /** Signs in, and protects data connections. */
  async protect(): Promise<void> {
    for (const line of ["USER ftp", "PASS ftp", "PBSZ 0", "PROT P"]) {
      const answer = await this.ask(line);
      if (!/^[23]/.test(answer)) throw new Error(`${line}: ${answer}`);
    }
  }

  /** Lists the folder over a protected data connection that offers this session; null: none. */
  async list(session: Buffer | null | undefined = this.session): Promise<{ readonly last: string; readonly isSessionReused: boolean }> {
    const [, port = ""] = /\|\|\|(\d+)\|/.exec(await this.ask("EPSV")) ?? [];
    const data = connect({ host: "127.0.0.1", port: Number(port) });
    await once(data, "connect");
    await this.ask("NLST");
    const offered = session === null || session === undefined ? {} : { session };
    const secure = connectTls({ socket: data, rejectUnauthorized: false, minVersion: this.#version, maxVersion: this.#version, ...offered });
    secure.on("error", () => undefined);
    secure.resume();
    const last = await this.#control.reply();
    const isSessionReused = secure.isSessionReused();
    data.destroy();
    return { last, isSessionReused };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#plain.socket.destroy();
  }
}
