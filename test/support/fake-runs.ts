import { randomUUID } from "node:crypto";
import type { EndpointShape } from "#contract/endpoint.ts";
import { Failure, type FailureCode } from "#contract/failure.ts";
import type { RunSpec, RunView } from "#contract/internal/runs.ts";
import type { LogStream, RunEnd, ScriptView } from "#contract/task.ts";
import type { Call } from "#kit/http/mount.ts";

/** What becomes of a run of the fake. */
export interface FakeOutcome {
  readonly end?: RunEnd;
  readonly code?: number | null;
  readonly signal?: string | null;
  readonly message?: string | null;
  readonly stdout?: string;
  readonly stderr?: string;
  /** How long it runs; null: until `finish`, a cancellation or `lose`. */
  readonly afterMs?: number | null;
}

/** One start, in the order in which they happened; an attempt stands here once, however often it was asked for. */
export interface FakeStart {
  readonly uid: string;
  readonly spec: RunSpec;
}

interface FakeRun {
  readonly start: FakeStart;
  view: RunView;
  readonly output: Record<LogStream, string>;
  readonly ended: Promise<void>;
  readonly end: () => void;
}

/** The runs of a fake orchestrator: nothing is started, what becomes of each is told by the test. */
export class FakeRuns {
  readonly starts: FakeStart[] = [];
  /** Decides what becomes of a run when it is started; by default it exits with 0 at once. */
  plan: (start: FakeStart) => FakeOutcome = () => ({});
  /** Answers every start with this failure, and starts nothing. */
  refusal: FailureCode | null = null;
  /** So many starts are answered with `component_away` although they happened: the answer was lost. */
  lostAnswers = 0;
  /** How long a start takes to answer. */
  startMs = 0;
  scripts: ScriptView[] = [];
  readonly siteScripts = new Map<number, ScriptView[]>();
  allowsCommands = false;
  readonly #runs = new Map<string, FakeRun>();

  /** Uids of runs under way. */
  get running(): readonly string[] {
    return [...this.#runs.values()].filter((run) => run.view.state === "running").map((run) => run.start.uid);
  }

  /** The run as it is now; undefined: unknown here. */
  find(uid: string): RunView | undefined {
    return this.#runs.get(uid)?.view;
  }

  /** Ends a run that is under way. */
  finish(uid: string, outcome: FakeOutcome = {}): void {
    const run = this.#find(uid);
    if (run.view.state === "ended") return;
    this.print(uid, "stdout", outcome.stdout ?? "");
    this.print(uid, "stderr", outcome.stderr ?? "");
    const end = outcome.end ?? "exited";
    const codes: Partial<Record<RunEnd, number>> = { exited: 0, "not-found": 127, "not-executable": 126 };
    const signals: Partial<Record<RunEnd, string>> = { signalled: "SIGKILL", cancelled: "SIGTERM", "timed-out": "SIGTERM", "out-of-memory": "SIGKILL" };
    run.view = {
      ...run.view,
      state: "ended",
      finishedAt: new Date().toISOString(),
      end,
      code: outcome.code !== undefined ? outcome.code : (codes[end] ?? null),
      signal: outcome.signal !== undefined ? outcome.signal : (signals[end] ?? null),
      message: outcome.message ?? null,
      diskAfterBytes: 900_000_000,
      cpuMs: 5,
      peakMemoryBytes: 1_000_000,
    };
    run.end();
  }

  print(uid: string, stream: LogStream, text: string): void {
    const run = this.#find(uid);
    run.output[stream] += text;
    run.view = { ...run.view, stdoutBytes: Buffer.byteLength(run.output.stdout), stderrBytes: Buffer.byteLength(run.output.stderr) };
  }

  /** As after a crash of the orchestrator: everything under way is lost. */
  lose(): void {
    for (const uid of this.running) this.finish(uid, { end: "lost", message: "The orchestrator ended while the script ran." });
  }

  /** As after the orchestrator's disk was replaced: nothing is known any more. */
  forgetAll(): void {
    this.#runs.clear();
  }

  /** Handlers by the ids of the endpoints. */
  readonly handlers: Readonly<Record<string, (call: Call<EndpointShape, unknown>) => Promise<unknown>>> = {
    "run.put": async (call) => this.#put(uidOf(call), call.body as unknown as RunSpec),
    "run.await": async (call) => this.#await(uidOf(call), Number((call.query as { waitMs?: number }).waitMs ?? 0), call.signal),
    "run.cancel": async (call) => this.#cancel(uidOf(call), call.body as unknown as { attempt: number; end: RunEnd }),
    "run.forget": async (call) => void this.#runs.delete(uidOf(call)),
    "run.log": async (call) => this.#log(call),
    "scripts.describe": async (call) => ({ script: named(this.scripts, call.query) }),
    "site.scripts.describe": async (call) => ({
      script: named(this.siteScripts.get(Number((call.params as { siteId: number }).siteId)) ?? [], call.query),
    }),
    "scripts.list": async () => ({ scripts: this.scripts, allowsCommands: this.allowsCommands }),
    "site.scripts.list": async (call) => ({
      scripts: this.siteScripts.get(Number((call.params as { siteId: number }).siteId)) ?? [],
      allowsCommands: this.allowsCommands,
    }),
  };

  async #put(uid: string, spec: RunSpec): Promise<RunView> {
    const known = this.#runs.get(uid);
    if (known !== undefined && known.view.attempt > spec.attempt) throw new Failure("run_superseded");
    if (known?.view.attempt !== spec.attempt) {
      if (this.refusal !== null) throw new Failure(this.refusal, { component: "orchestrator" });
      if (known !== undefined) this.finish(uid, { end: "cancelled" });
      this.#start({ uid, spec });
    }
    if (this.startMs > 0) await new Promise((resolve) => setTimeout(resolve, this.startMs));
    if (this.lostAnswers > 0) {
      this.lostAnswers -= 1;
      throw new Failure("component_away", { component: "orchestrator" });
    }
    return this.#find(uid).view;
  }

  #start(start: FakeStart): void {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.starts.push(start);
    this.#runs.set(start.uid, { start, view: startedView(start), output: { stdout: "", stderr: "" }, ended, end });
    const outcome = this.plan(start);
    if (outcome.afterMs === null) return;
    const run = this.#find(start.uid);
    const finish = (): void => {
      // A later attempt, or nobody, may stand in its place by then.
      if (this.#runs.get(start.uid) === run) this.finish(start.uid, outcome);
    };
    if ((outcome.afterMs ?? 0) === 0) finish();
    else setTimeout(finish, outcome.afterMs).unref();
  }

  async #await(uid: string, waitMs: number, signal: AbortSignal): Promise<RunView> {
    const run = this.#find(uid);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, waitMs);
    signal.addEventListener("abort", () => late.resolve(), { once: true });
    await Promise.race([run.view.state === "ended" ? undefined : run.ended, late.promise]);
    clearTimeout(timer);
    return this.#find(uid).view;
  }

  #cancel(uid: string, body: { readonly attempt: number; readonly end: RunEnd }): RunView {
    const run = this.#find(uid);
    if (run.view.attempt === body.attempt) this.finish(uid, { end: body.end });
    return run.view;
  }

  async *#log(call: Call<EndpointShape, unknown>): AsyncGenerator<string> {
    const { stream } = call.params as unknown as { stream: LogStream };
    const { offset = 0, follow = false } = call.query as { offset?: number; follow?: boolean };
    const run = this.#find(uidOf(call));
    const bytes = (): Buffer => Buffer.from(run.output[stream]);
    let at = offset < 0 ? Math.max(0, bytes().length + offset) : Math.min(offset, bytes().length);
    while (!call.signal.aborted) {
      const isEnded = run.view.state === "ended";
      const piece = bytes().subarray(at);
      if (piece.length > 0) yield `${JSON.stringify({ offset: at, next: at + piece.length, text: piece.toString(), skipped: 0 })}\n`;
      at += piece.length;
      if (isEnded || !follow) return;
      await Promise.race([run.ended, new Promise((resolve) => setTimeout(resolve, 5))]);
    }
  }

  #find(uid: string): FakeRun {
    const run = this.#runs.get(uid);
    if (run === undefined) throw new Failure("run_not_found");
    return run;
  }
}

/** A script of the fake's library. */
export function fakeScript(path: string, manual: ScriptView["manual"] = {}): ScriptView {
  return { path, size: 32, modifiedAt: "2026-11-21T12:00:00.000Z", isExecutable: true, manual, manualProblem: null };
}

/** A uid, for tests that name their runs. */
export function newUid(): string {
  return randomUUID();
}

function uidOf(call: Call<EndpointShape, unknown>): string {
  return String((call.params as { uid: string }).uid);
}

function startedView({ uid, spec }: FakeStart): RunView {
  return {
    uid,
    attempt: spec.attempt,
    state: "running",
    startedAt: new Date().toISOString(),
    finishedAt: null,
    end: null,
    code: null,
    signal: null,
    message: null,
    diskBeforeBytes: 1_000_000_000,
    diskAfterBytes: null,
    cpuMs: null,
    peakMemoryBytes: null,
    stdoutBytes: 0,
    stderrBytes: 0,
    isOutputCut: false,
  };
}

function named(scripts: readonly ScriptView[], query: unknown): ScriptView | null {
  const { path } = query as { path: string };
  return scripts.find((script) => script.path === path) ?? null;
}
