import type { SiteAddress, SiteSpec } from "#contract/site-spec.ts";
import type { Clock } from "#kit/clock.ts";
import type { InstanceExit, RunningInstance, SiteRuntime, StartRequest } from "#orchestrator/runtime/site-runtime.ts";
import type { InstanceOutput } from "./instance-output.ts";

/** An instance that was started. */
export interface Live {
  readonly key: string;
  readonly running: RunningInstance;
  readonly output: InstanceOutput;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly bootMs: number;
}

/** Where a site's program answers. */
export interface Started {
  readonly address: SiteAddress;
  readonly instance: string;
  readonly bootMs: number;
}

/** What those get who asked for the site. */
export function startedOf(live: Live): Started {
  return { address: live.running.address, instance: live.key, bootMs: live.bootMs };
}

/** How a start went; but for `listening` the instance is gone. */
export type BootResult =
  | { readonly kind: "listening"; readonly live: Live }
  | { readonly kind: "ended"; readonly live: Live; readonly exit: InstanceExit }
  /** It ran on without listening where it should; `found` is where it does. */
  | { readonly kind: "silent"; readonly live: Live; readonly found: readonly string[] }
  /** Whoever wanted it took it back. */
  | { readonly kind: "withdrawn"; readonly why: unknown };

export interface BootDeps {
  readonly runtime: SiteRuntime;
  readonly clock: Clock;
  readonly bootTimeoutMs: number;
  readonly graceMs: number;
}

export interface BootRequest {
  readonly spec: SiteSpec;
  readonly key: string;
  readonly folder: string;
  readonly runFile: StartRequest["runFile"];
  readonly output: InstanceOutput;
  /** Aborted, with the reason, when the site may not run any more. */
  readonly signal: AbortSignal;
}

/** Starts one instance and waits until it listens, ends, takes too long, or is not wanted any more. */
export async function bootInstance(deps: BootDeps, request: BootRequest): Promise<BootResult> {
  if (request.signal.aborted) return { kind: "withdrawn", why: request.signal.reason };
  const { spec, key, folder, runFile, output, signal } = request;
  const startedAt = deps.clock.now();
  const from = performance.now();
  const running = await deps.runtime.start({ spec, instance: key, folder, runFile, onOutput: (stream, text) => output.take(stream, text) });
  const live = { key, running, output, startedAt };

  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new Error("it took too long to listen")), deps.bootTimeoutMs);
  try {
    await running.whenListening(AbortSignal.any([timeout.signal, signal]));
    return { kind: "listening", live: { ...live, bootMs: Math.round((performance.now() - from) * 10) / 10 } };
  } catch {
    // Which of the three it was is read from the signals below; the rejection says nothing more.
    const result = await whyNot(live, { timeout: timeout.signal, withdrawn: signal });
    if (result.kind !== "ended") await running.stop(deps.graceMs);
    output.end();
    return result;
  } finally {
    clearTimeout(timer);
  }
}

/** Looks whether one that was started earlier still listens. When it has ended, whoever waits for that has heard so by now. */
export async function lookAgain({ running }: Live, timeoutMs: number): Promise<"listens" | "ended" | "silent"> {
  const patience = AbortSignal.timeout(timeoutMs);
  try {
    await running.whenListening(patience);
    return "listens";
  } catch {
    // The end is told a moment later than it is seen: what the program had is given back first.
    const exit = await Promise.race([running.exited, whenAborted(patience)]);
    return exit === null ? "silent" : "ended";
  }
}

async function whyNot(
  started: Omit<Live, "bootMs">,
  signals: { readonly timeout: AbortSignal; readonly withdrawn: AbortSignal },
): Promise<Exclude<BootResult, { kind: "listening" }>> {
  // Waits for the end also when it was rejected for neither: the exit may be known a moment later.
  const either = AbortSignal.any([signals.timeout, signals.withdrawn]);
  const exit = await Promise.race([started.running.exited, whenAborted(either)]);
  if (signals.withdrawn.aborted) return { kind: "withdrawn", why: signals.withdrawn.reason };
  const live = { ...started, bootMs: 0 };
  if (exit !== null) return { kind: "ended", live, exit };
  return { kind: "silent", live, found: await started.running.listening() };
}

function whenAborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener("abort", () => resolve(null), { once: true });
  });
}
