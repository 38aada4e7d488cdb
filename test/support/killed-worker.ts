import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { ClusterKey } from "#kit/cluster-key.ts";
import { childEnvironment } from "./child-environment.ts";
import type { FakeComponent, ReceivedCall } from "./fake-component.ts";
import { type FakeOrchestratorState, startFakeOrchestrator } from "./fake-orchestrator.ts";
import { startFakeRouter } from "./fake-router.ts";
import type { StepCatcher } from "./step-catcher.ts";
import type { WatchedSiteServer } from "./watched-site-server.ts";
import { endWorker } from "./worker-stage.ts";

const program = join(import.meta.dirname, "../../bin/backlot.mjs");
/** A mark that begins so stands for the end of a step that is to be written down; every other for a call, or for words of a statement. */
export const endOf = "end of ";

interface KilledWorkerParts {
  readonly databaseUrl: string;
  readonly catcher: StepCatcher;
  readonly siteServer: WatchedSiteServer;
  readonly key: ClusterKey;
  readonly keyFile: string;
}

/** What came of an operation. */
interface Survived {
  readonly calls: readonly string[];
  readonly specs: ReadonlyMap<number, unknown>;
  readonly specsOfOther: ReadonlyMap<number, unknown>;
}

type Orchestrator = FakeComponent & { readonly state: FakeOrchestratorState };

/** A worker in an operating-system process of its own that dies at given points, and is followed by a new one each time. */
export class KilledWorker implements AsyncDisposable {
  readonly #parts: KilledWorkerParts;
  readonly #one: Orchestrator;
  readonly #other: Orchestrator;
  readonly #router: FakeComponent;
  #child: ChildProcess | undefined;

  private constructor(parts: KilledWorkerParts, fakes: readonly [Orchestrator, Orchestrator, FakeComponent]) {
    this.#parts = parts;
    [this.#one, this.#other, this.#router] = fakes;
  }

  /** With two orchestrators, called `one` and `other`. */
  static async open(parts: KilledWorkerParts): Promise<KilledWorker> {
    const { key } = parts;
    const fakes = await Promise.all([startFakeOrchestrator(key), startFakeOrchestrator(key), startFakeRouter(key)]);
    for (const [index, id] of ["one", "other"].entries()) {
      const state = fakes[index === 0 ? 0 : 1].state;
      state.node = { ...state.node, id };
    }
    return new KilledWorker(parts, fakes);
  }

  /** Lets workers run until the operation has ended, and kills one at each mark, in this order. */
  async surviveKills(given: {
    readonly siteId: number;
    readonly toKill: readonly string[];
    readonly hasEnded: () => Promise<boolean>;
    /** Both orchestrators are known to the workers. */
    readonly isMoved: boolean;
  }): Promise<Survived> {
    const { siteId, toKill, hasEnded } = given;
    const { catcher, siteServer } = this.#parts;
    const fakes = [this.#one, this.#other, this.#router];
    for (const fake of fakes) fake.calls.length = 0;
    this.#one.state.statuses.set(siteId, { state: "running", reason: null, since: "2026-11-21T12:00:00.000Z" });
    await catcher.catchEnds(toKill.flatMap((mark) => (mark.startsWith(endOf) ? [mark.slice(endOf.length)] : [])));
    let killed = 0;
    const killAt = async (matches: (mark: string) => boolean): Promise<void> => {
      const mark = toKill[killed];
      if (mark === undefined || !matches(mark) || this.#child === undefined) return;
      killed += 1;
      // The fake goes on and does what it was asked: the worker dies between the effect and writing it down.
      await endWorker(this.#child, "SIGKILL");
    };
    const onCall = (call: ReceivedCall): Promise<void> => killAt((mark) => call.id === mark);
    for (const fake of fakes) fake.onCall = onCall;
    siteServer.onStatement = (text) => killAt((mark) => text.includes(mark));
    const deadline = Date.now() + 240_000;
    while (!(await hasEnded())) {
      if (Date.now() > deadline) throw new Error(`still running after ${killed} kills, at ${toKill[killed] ?? "the end"}`);
      this.#ensure(given.isMoved ? [this.#one, this.#other] : [this.#one]);
      await delay(50);
      const mark = toKill[killed];
      if (!mark?.startsWith(endOf) || !(await catcher.isCaught())) continue;
      await killAt((expected) => expected === mark);
      await catcher.undo(mark.slice(endOf.length));
    }
    // The next operation is queued before anybody looks at what it calls: no worker may be there to begin with it.
    await this.#end();
    expect(killed).toBe(toKill.length);
    const calls = fakes.flatMap((fake) => fake.calls.map((call) => call.id));
    return { calls, specs: this.#one.state.specs, specsOfOther: this.#other.state.specs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    await Promise.all([this.#one, this.#other, this.#router].map((fake) => fake.close()));
  }

  async #end(): Promise<void> {
    if (this.#child !== undefined) await endWorker(this.#child, "SIGTERM");
  }

  #ensure(orchestrators: readonly FakeComponent[]): void {
    if (this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) return;
    const { databaseUrl, keyFile, siteServer } = this.#parts;
    const env = {
      ...childEnvironment,
      DATABASE_URL: databaseUrl,
      BACKLOT_CLUSTER_KEY_FILE: keyFile,
      BACKLOT_ORCHESTRATOR_URLS: orchestrators.map(({ url }) => url).join(),
      BACKLOT_ROUTER_URLS: this.#router.url,
      BACKLOT_SITE_DATABASE_URL: siteServer.url,
      BACKLOT_OPERATION_LEASE_SECONDS: "1",
      BACKLOT_RECONCILE_SECONDS: "3600",
      BACKLOT_LOG_LEVEL: "error",
    };
    this.#child = spawn(process.execPath, [program, "run", "worker"], { env, stdio: ["ignore", "inherit", "inherit"] });
  }
}
