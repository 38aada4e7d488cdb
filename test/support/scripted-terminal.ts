import { PassThrough } from "node:stream";
import type { TerminalSize } from "#contract/terminal.ts";
import type { EnteredProgram, EnteredSignal, EnterRequest } from "#orchestrator/runtime/enter.ts";
import type { InstanceExit } from "#orchestrator/runtime/site-runtime.ts";

/** A shell or a command of a scripted runtime: it does what the test tells it. */
export class ScriptedTerminal implements EnteredProgram {
  readonly request: EnterRequest;
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly errors: PassThrough | null;
  readonly exited: Promise<InstanceExit>;
  readonly sizes: TerminalSize[] = [];
  readonly signals: EnteredSignal[] = [];
  /** How long each `end` gave it. */
  readonly graces: number[] = [];
  isGone = false;
  onResize: (size: TerminalSize) => void = () => undefined;
  onSignal: (name: EnteredSignal) => void = () => undefined;
  /** Everything that was typed so far. */
  typed = "";
  #end: (exit: InstanceExit) => void = () => undefined;

  constructor(request: EnterRequest) {
    this.request = request;
    this.errors = request.size === null ? new PassThrough() : null;
    if (request.size !== null) this.sizes.push(request.size);
    this.exited = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.input.on("data", (chunk: Buffer) => {
      this.typed += chunk.toString();
    });
    for (const stream of [this.output, this.errors]) stream?.pause();
  }

  /** True while there is room for more. */
  print(text: string | Uint8Array, stream: "stdout" | "stderr" = "stdout"): boolean {
    const target = stream === "stderr" ? (this.errors ?? this.output) : this.output;
    return target.write(text);
  }

  exit(given: Partial<InstanceExit> = {}): void {
    if (this.isGone) return;
    this.isGone = true;
    this.output.end();
    this.errors?.end();
    this.#end({ code: given.signal === undefined ? 0 : null, signal: null, isOutOfMemory: false, ...given });
  }

  resize(size: TerminalSize): void {
    this.sizes.push(size);
    this.onResize(size);
  }

  signal(name: EnteredSignal): void {
    this.signals.push(name);
    this.onSignal(name);
    if (name === "KILL") this.exit({ signal: "SIGKILL" });
  }

  async end(graceMs: number): Promise<void> {
    this.graces.push(graceMs);
    this.exit({ signal: "SIGHUP" });
    await this.exited;
  }
}
