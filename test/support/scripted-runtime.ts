import { setTimeout as delay } from "node:timers/promises";
import type { EnteredProgram, EnterRequest } from "#orchestrator/runtime/enter.ts";
import type { RunExit, RunningRun, RunRequest } from "#orchestrator/runtime/run.ts";
import type { InstanceExit, RunningInstance, SiteRuntime, StartRequest } from "#orchestrator/runtime/site-runtime.ts";
import { ScriptedTerminal } from "./scripted-terminal.ts";

/** A runtime in memory whose programs do what the test tells them. */
export class ScriptedRuntime implements SiteRuntime {
  readonly kind = "fake";
  readonly started: ScriptedProgram[] = [];
  readonly runs: ScriptedRun[] = [];
  readonly entered: ScriptedTerminal[] = [];
  /** What each shell or command does right after its start; by default it waits. */
  enterScript: (entered: ScriptedTerminal) => void = () => undefined;
  /** What each run does right after its start; by default it exits with 0. */
  runScript: (run: ScriptedRun) => void = (run) => run.exit();
  /** What each program does right after its start. */
  script: (program: ScriptedProgram) => void = (program) => program.listen();
  freezes = true;
  /** Thrown instead of starting anything. */
  refusal: Error | null = null;
  /** The most programs that ran at once. */
  most = 0;

  async probe() {
    return {
      isolates: true,
      missing: [],
      limits: { memory: true, cpu: true, pids: true },
      freezes: this.freezes,
      freezeNote: this.freezes ? null : "it was told not to",
      egress: { isAvailable: false, notes: [] },
    };
  }

  async start(request: StartRequest): Promise<RunningInstance> {
    if (this.refusal !== null) throw this.refusal;
    const program = new ScriptedProgram(request, 30_000 + this.started.length);
    this.started.push(program);
    this.most = Math.max(this.most, this.running.length);
    queueMicrotask(() => this.script(program));
    return program;
  }

  async run(request: RunRequest): Promise<RunningRun> {
    if (this.refusal !== null) throw this.refusal;
    const run = new ScriptedRun(request);
    this.runs.push(run);
    queueMicrotask(() => this.runScript(run));
    return run;
  }

  async enter(request: EnterRequest): Promise<EnteredProgram> {
    if (this.refusal !== null) throw this.refusal;
    const entered = new ScriptedTerminal(request);
    this.entered.push(entered);
    queueMicrotask(() => this.enterScript(entered));
    return entered;
  }

  async cleanUp() {
    return 0;
  }

  async close() {
    await Promise.all([...this.running.map((program) => program.stop()), ...[...this.runs, ...this.entered].map((run) => run.end(0))]);
  }

  get running(): readonly ScriptedProgram[] {
    return this.started.filter((program) => !program.isGone);
  }

  get latest(): ScriptedProgram {
    const latest = this.started.at(-1);
    if (latest === undefined) throw new Error("nothing was started yet");
    return latest;
  }
}

/** One run of a scripted runtime. */
export class ScriptedRun implements RunningRun {
  readonly process = null;
  readonly request: RunRequest;
  readonly exited: Promise<RunExit>;
  /** How long each `end` gave it. */
  readonly graces: number[] = [];
  isGone = false;
  /** What it does when it is asked to end. */
  onEnd: () => void = () => this.exit({ signal: "SIGTERM" });
  #end: (exit: RunExit) => void = () => undefined;

  constructor(request: RunRequest) {
    this.request = request;
    this.exited = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Resolves when there is room for more. */
  async print(text: string | Uint8Array, stream: "stdout" | "stderr" = "stdout"): Promise<void> {
    await this.request.onOutput(stream, typeof text === "string" ? Buffer.from(text) : text);
  }

  exit(given: Partial<RunExit> = {}): void {
    this.isGone = true;
    const code = given.signal === undefined ? 0 : null;
    this.#end({ code, signal: null, isOutOfMemory: false, cpuMs: 5, peakMemoryBytes: 1_000_000, ...given });
  }

  async end(graceMs: number): Promise<void> {
    this.graces.push(graceMs);
    if (!this.isGone) this.onEnd();
    await this.exited;
  }
}

/** One program of a scripted runtime. */
export class ScriptedProgram implements RunningInstance {
  readonly siteId: number;
  readonly instance: string;
  readonly address: { readonly host: string; readonly port: number };
  readonly exited: Promise<InstanceExit>;
  readonly request: StartRequest;
  isGone = false;
  isListening = false;
  isFrozen = false;
  /** What it does when it is asked to end. */
  onEnd: () => void = () => this.exit({ code: null, signal: "SIGTERM" });
  /** Called before it stands still, or goes on. */
  onFreeze: () => Promise<void> | void = () => undefined;
  onThaw: () => Promise<void> | void = () => undefined;
  memory: number | null = 10_000_000;
  /** What it listens at instead. */
  elsewhere: readonly string[] = [];
  /** How long it was given to end, once it was stopped. */
  graceMs: number | null = null;
  #end: (exit: InstanceExit) => void = () => undefined;

  constructor(request: StartRequest, port: number) {
    this.request = request;
    this.siteId = request.spec.siteId;
    this.instance = request.instance;
    this.address = { host: "127.0.0.1", port };
    this.exited = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  listen(): void {
    this.isListening = true;
  }

  print(text: string, stream: "stdout" | "stderr" = "stdout"): void {
    this.request.onOutput(stream, text);
  }

  exit(given: Partial<InstanceExit> = {}): void {
    this.isGone = true;
    this.#end({ code: given.signal === undefined ? 1 : null, signal: null, isOutOfMemory: false, ...given });
  }

  async listening() {
    return this.elsewhere;
  }

  async whenListening(signal: AbortSignal) {
    while (!this.isListening || this.isGone) {
      if (this.isGone) throw new Error("the program has ended");
      signal.throwIfAborted();
      await delay(1);
    }
  }

  async freeze() {
    await this.onFreeze();
    this.isFrozen = !this.isGone;
  }

  async thaw() {
    await this.onThaw();
    this.isFrozen = false;
  }

  async memoryBytes() {
    return this.memory;
  }

  async stop(graceMs = 0) {
    this.isFrozen = false;
    this.graceMs = graceMs;
    if (!this.isGone) this.onEnd();
  }
}
