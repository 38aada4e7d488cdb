import { randomUUID } from "node:crypto";
import { awaitRun, cancelRun, putRun, type RunOutput, type RunSpec, type RunView, readRunLog } from "#contract/internal/runs.ts";
import { defaultRunLimits, type LogStream } from "#contract/task.ts";
import type { ComponentClient } from "#kit/component-client.ts";

/** What a run of a script in the home folder needs, but for what is given. */
export function runSpecOf(given: Partial<RunSpec> & { readonly script?: string } = {}): RunSpec {
  const { script = "script.sh", ...spec } = given;
  return {
    attempt: 1,
    siteId: null,
    program: { kind: "script", path: script },
    arguments: [],
    environment: {},
    limits: { ...defaultRunLimits, memoryBytes: 128_000_000, timeoutMs: 60_000 },
    idempotencyKey: null,
    ...spec,
  };
}

/** Asks an orchestrator for runs as a worker does. */
export class RunClient {
  readonly #client: ComponentClient;

  constructor(client: ComponentClient) {
    this.#client = client;
  }

  async start(given: Parameters<typeof runSpecOf>[0] = {}, uid: string = randomUUID()): Promise<RunView> {
    return this.#client.call(putRun, { params: { uid }, body: runSpecOf(given) });
  }

  async wait(uid: string, waitMs = 60_000): Promise<RunView> {
    return this.#client.call(awaitRun, { params: { uid }, query: { waitMs } });
  }

  /** Starts a run and waits for its end. */
  async finish(given: Parameters<typeof runSpecOf>[0] = {}, uid: string = randomUUID()): Promise<RunView> {
    const started = await this.start(given, uid);
    return started.state === "ended" ? started : this.wait(uid);
  }

  async cancel(uid: string, given: { readonly attempt?: number; readonly graceMs?: number; readonly end?: "cancelled" | "timed-out" } = {}): Promise<RunView> {
    return this.#client.call(cancelRun, { params: { uid }, body: { attempt: 1, graceMs: 5_000, ...given } });
  }

  async pieces(uid: string, stream: LogStream, query: { readonly offset?: number; readonly follow?: boolean } = {}): Promise<readonly RunOutput[]> {
    const answer = await this.#client.fetch(readRunLog, { params: { uid, stream }, query });
    const text = await answer.text();
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as RunOutput);
  }

  /** Everything that is kept of a stream. */
  async text(uid: string, stream: LogStream = "stdout"): Promise<string> {
    return (await this.pieces(uid, stream)).map((piece) => piece.text).join("");
  }
}
