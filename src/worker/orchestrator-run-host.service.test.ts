import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import { defaultRunLimits } from "#contract/task.ts";
import type { RunHolder } from "#core/nodes/fleet.ts";
import type { ClaimedTask } from "#core/tasks/task-queue.ts";
import { type ComponentClient, createBusyClient } from "#kit/component-client.ts";
import { createSigner } from "#kit/grant.ts";
import { silentLog } from "#kit/log.ts";
import { createSeal } from "#kit/seal.ts";
import { createClusterKey } from "../../test/support/fake-component.ts";
import { startFakeOrchestrator } from "../../test/support/fake-orchestrator.ts";
import { FakeTaskQueue } from "../../test/support/fake-task-queue.ts";
import { ManualTime } from "../../test/support/manual-time.ts";
import { OrchestratorRunHost } from "./orchestrator-run-host.ts";

const uid = "11111111-1111-4111-8111-111111111111";
const seal = createSeal(Buffer.alloc(32, 7), "task environment");
const { signal } = new AbortController();

let stage: { readonly orchestrator: Awaited<ReturnType<typeof startFakeOrchestrator>>; readonly host: OrchestratorRunHost };
beforeEach(async () => {
  const key = await createClusterKey();
  const orchestrator = await startFakeOrchestrator(key);
  const signer = await createSigner(key.signingKey);
  const client = createBusyClient({ baseUrl: orchestrator.url, audience: "orchestrator", caller: "worker", signer });
  stage = { orchestrator, host: new OrchestratorRunHost({ orchestrator: client, seal, log: silentLog(), graceMs: 10_000 }) };
});
afterEach(() => stage.orchestrator[Symbol.asyncDispose]());

/** A claimed task with whatever the test cares about. */
function claimed(changes: Partial<ClaimedTask> = {}): ClaimedTask {
  const queue = new FakeTaskQueue(new ManualTime());
  queue.add(uid, { attempt: 2, ...changes });
  return queue.find(uid);
}

describe("a run on the orchestrator", () => {
  test("is started with everything that the task says, bounded by what its site may use now", async () => {
    const sealedEnvironment = seal.seal(JSON.stringify({ NAME: "Ada" }));
    const task = claimed({
      site: { id: 7, name: "chess" },
      siteLimits: { ...defaultSiteLimits, pids: 9 },
      sealedEnvironment,
      arguments: ["a", ""],
      idempotencyKey: "k",
    });
    stage.orchestrator.state.runs.plan = () => ({ afterMs: null });
    const reply = await stage.host.put(task, signal);
    expect(reply).toEqual({ kind: "run", run: { state: "running", startedAt: expect.any(Date), diskBeforeBytes: 1_000_000_000 } });
    expect(stage.orchestrator.state.runs.starts).toEqual([
      {
        uid,
        spec: {
          attempt: 2,
          siteId: 7,
          program: task.program,
          arguments: ["a", ""],
          environment: { NAME: "Ada" },
          limits: { ...defaultRunLimits, cpu: defaultSiteLimits.cpu, memoryBytes: defaultSiteLimits.memoryBytes, pids: 9 },
          idempotencyKey: "k",
        },
      },
    ]);
  });

  test("is followed to its end, and told with what was measured", async () => {
    stage.orchestrator.state.runs.plan = () => ({ afterMs: null });
    await stage.host.put(claimed(), signal);
    const followed = stage.host.follow(claimed(), signal);
    stage.orchestrator.state.runs.finish(uid, { code: 3, stdout: "hello" });
    expect(await followed).toMatchObject({
      kind: "run",
      run: { state: "ended", finishedAt: expect.any(Date), result: { end: "exited", code: 3, cpuMs: 5, stdoutBytes: 5 } },
    });
  });

  test("is cancelled, and a run that nobody knows is told apart", async () => {
    expect(await stage.host.cancel(claimed(), signal)).toEqual({ kind: "unknown" });
    expect(await stage.host.follow(claimed(), signal)).toEqual({ kind: "unknown" });
    stage.orchestrator.state.runs.plan = () => ({ afterMs: null });
    await stage.host.put(claimed(), signal);
    expect(await stage.host.cancel(claimed(), signal)).toMatchObject({ kind: "run", run: { state: "ended", result: { end: "cancelled" } } });
    expect(await stage.host.put(claimed({ attempt: 1 }), signal)).toEqual({ kind: "superseded" });
    expect(await stage.host.forget(uid, signal)).toBe("forgotten");
    expect(await stage.host.follow(claimed(), signal)).toEqual({ kind: "unknown" });
  });

  test.each([
    ["machine_full", "busy"],
    ["not_ready", "busy"],
    ["site_not_found", "busy"],
    ["component_away", "away"],
    ["commands_off", "refused"],
    ["isolation_missing", "refused"],
  ] as const)("that is answered by %s is %s", async (code, kind) => {
    stage.orchestrator.state.runs.refusal = code;
    expect(await stage.host.put(claimed(), signal)).toMatchObject({ kind });
    expect(stage.orchestrator.state.runs.starts).toEqual([]);
  });

  test("is not started when its environment was kept under another key", async () => {
    const sealedEnvironment = createSeal(Buffer.alloc(32, 8), "task environment").seal("{}");
    expect(await stage.host.put(claimed({ sealedEnvironment }), signal)).toMatchObject({ kind: "refused" });
  });

  test("may have been started when the answer was lost, but not when nobody listens", async () => {
    stage.orchestrator.state.runs.lostAnswers = 1;
    expect(await stage.host.put(claimed(), signal)).toMatchObject({ kind: "away" });
    expect(stage.orchestrator.state.runs.starts).toHaveLength(1);
    await stage.orchestrator[Symbol.asyncDispose]();
    // On a connection of which nobody has noticed yet that it is closed it may have been sent.
    await expect.poll(() => stage.host.put(claimed(), signal), { timeout: 20_000 }).toMatchObject({ kind: "unreached" });
    expect(await stage.host.forget(uid, signal)).toBe("away");
  });

  test("is forgotten by everybody who was given an attempt, the earliest first; one that still goes on there is ended", async () => {
    const asked: string[] = [];
    let isRunning = true;
    const holder = (name: string, attempt: number): RunHolder => {
      const call = async (shape: { readonly id: string }, { body }: { readonly body?: { readonly attempt: number } }) => {
        asked.push(`${shape.id} ${name}${body === undefined ? "" : ` ${body.attempt}`}`);
        if (name === "a" && shape.id === "run.forget" && isRunning) throw new Failure("input_invalid");
      };
      return { client: { call } as unknown as ComponentClient, attempt };
    };
    const unplaced: string[] = [];
    const orchestrator = holder("nobody", 9).client;
    const host = new OrchestratorRunHost({
      ...{ orchestrator, seal, log: silentLog(), graceMs: 10 },
      holders: async () => [holder("a", 1), holder("b", 2)],
      unplace: async (gone) => void unplaced.push(gone),
    });
    expect(await host.forget(uid, signal)).toBe("running");
    expect([asked.splice(0), unplaced]).toEqual([["run.forget a", "run.cancel a 1"], []]);
    isRunning = false;
    expect(await host.forget(uid, signal)).toBe("forgotten");
    expect([asked, unplaced]).toEqual([["run.forget a", "run.forget b"], [uid]]);
  });

  test("is let go when nobody wants the answer any more", async () => {
    stage.orchestrator.state.runs.plan = () => ({ afterMs: null });
    await stage.host.put(claimed(), signal);
    const letGo = new AbortController();
    const followed = stage.host.follow(claimed(), letGo.signal);
    letGo.abort(new Error("let go"));
    await expect(followed).rejects.toThrow("let go");
  });
});
