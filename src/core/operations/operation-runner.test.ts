import { expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { silentLog } from "#kit/log.ts";
import { FakeOperationQueue } from "../../../test/support/fake-operation-queue.ts";
import { OperationRunner, type StepAction } from "./operation-runner.ts";
import { planOperation, type StepName, stepTitles } from "./plan.ts";

const restart = planOperation({ id: "op", kind: "restart", input: {}, subject: { kind: "dynamic", canRunTwice: true }, requestedById: 1 });

function stepsWith(given: Partial<Record<StepName, StepAction>>, done: string[]): Readonly<Record<StepName, StepAction>> {
  const names = Object.keys(stepTitles) as StepName[];
  return Object.fromEntries(
    names.map((name) => [
      name,
      async (operation: Parameters<StepAction>[0], signal: AbortSignal) => {
        done.push(name);
        return given[name]?.(operation, signal);
      },
    ]),
  ) as Record<StepName, StepAction>;
}

function runnerOf(
  queue: FakeOperationQueue,
  steps: Readonly<Record<StepName, StepAction>>,
  options: { readonly abandon?: () => Promise<void>; readonly concurrency?: number } = {},
): OperationRunner {
  const { abandon = async () => undefined, concurrency = 4 } = options;
  return new OperationRunner({ queue, steps, abandon, log: silentLog(), owner: "me", concurrency, leaseMs: 60, stepTimeoutMs: 5_000 });
}

test("steps run in order and their words are kept", async () => {
  const queue = new FakeOperationQueue(restart);
  const done: string[] = [];
  const runner = runnerOf(queue, stepsWith({ start: async () => "It answered after 12 ms." }, done));
  runner.start();
  await queue.ended;
  await runner.stop();
  expect(done).toEqual(["start", "switch", "retire"]);
  expect(queue.operation.state).toBe("succeeded");
  expect(queue.operation.steps.map(({ state, attempt, message }) => ({ state, attempt, message }))).toEqual([
    { state: "succeeded", attempt: 1, message: "It answered after 12 ms." },
    { state: "succeeded", attempt: 1, message: null },
    { state: "succeeded", attempt: 1, message: null },
  ]);
});

test("a step that failed for a moment is tried again and the ones before it are not", async () => {
  const queue = new FakeOperationQueue(restart);
  const done: string[] = [];
  let tries = 0;
  const flaky: StepAction = async () => {
    tries += 1;
    if (tries < 3) throw new Failure("component_away", { component: "router" });
    return undefined;
  };
  const runner = runnerOf(queue, stepsWith({ switch: flaky }, done));
  runner.start();
  await queue.ended;
  await runner.stop();
  expect(done).toEqual(["start", "switch", "switch", "switch", "retire"]);
  expect(queue.operation.steps[1]?.attempt).toBe(3);
});

test("a step that cannot succeed ends the operation in words and puts things right", async () => {
  const queue = new FakeOperationQueue(restart);
  let abandoned = 0;
  const fail: StepAction = async () => {
    throw new Failure("run_file_missing");
  };
  const runner = runnerOf(queue, stepsWith({ start: fail }, []), {
    abandon: async () => {
      abandoned += 1;
    },
  });
  runner.start();
  await queue.ended;
  await runner.stop();
  expect(queue.operation.state).toBe("failed");
  expect(queue.operation.failure).toEqual({ code: "run_file_missing", title: new Failure("run_file_missing").message });
  expect(queue.operation.steps.map((step) => step.state)).toEqual(["failed", "waiting", "waiting"]);
  expect(abandoned).toBe(1);
});

test("a bug's message is not shown to people", async () => {
  const queue = new FakeOperationQueue(restart);
  const bug: StepAction = async () => {
    if (queue.operation.steps[0]?.attempt === 1) throw new Error("password=hunter2");
    return undefined;
  };
  const runner = runnerOf(queue, stepsWith({ start: bug }, []));
  runner.start();
  await queue.ended;
  await runner.stop();
  expect(JSON.stringify(queue.operation)).not.toContain("hunter2");
  expect(queue.operation.state).toBe("succeeded");
});

test("a runner that lost its lease stops its step and says nothing more", async () => {
  const queue = new FakeOperationQueue(restart);
  const stopped = Promise.withResolvers<void>();
  const hang: StepAction = (_operation, signal) =>
    new Promise((_resolve, reject) => {
      queue.takeOver();
      signal.addEventListener("abort", () => {
        stopped.resolve();
        reject(signal.reason);
      });
    });
  const done: string[] = [];
  const runner = runnerOf(queue, stepsWith({ start: hang }, done));
  runner.start();
  await stopped.promise;
  await runner.stop();
  expect(done).toEqual(["start"]);
  expect(queue.operation.steps[0]?.state).toBe("running");
});

test("an operation that was cut off goes on at the step where it stood", async () => {
  const queue = new FakeOperationQueue(restart);
  const first = await queue.claim({ owner: "dead" });
  const claim = first[0];
  if (claim === undefined) throw new Error("nothing was claimed");
  await queue.saveSteps(claim, "dead", [{ position: 0, state: "succeeded", attempt: 1, message: null }]);
  await queue.saveSteps(claim, "dead", [{ position: 1, state: "running", attempt: 1, message: null }]);
  await queue.postpone(claim, "dead", 0);
  const done: string[] = [];
  const runner = runnerOf(queue, stepsWith({}, done));
  runner.start();
  await queue.ended;
  await runner.stop();
  expect(done).toEqual(["switch", "retire"]);
  expect(queue.operation.steps[1]?.attempt).toBe(2);
});

test("while every slot is taken the queue is not asked, and it is asked again when one is free", async () => {
  const queue = new FakeOperationQueue(restart);
  const [kept, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let [renewals, asked] = [0, 0];
  queue.renew = async () => {
    renewals += 1;
    if (renewals === 10) kept.resolve();
    return true;
  };
  queue.nextDueMs = async () => {
    asked += 1;
    return 0;
  };
  const hang: StepAction = async () => {
    await goOn.promise;
    return undefined;
  };
  const runner = runnerOf(queue, stepsWith({ start: hang }, []), { concurrency: 1 });
  runner.start();
  // Ten renewals are two hundred milliseconds.
  await kept.promise;
  expect(asked).toBe(0);
  goOn.resolve();
  await queue.ended;
  await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThan(0);
  await runner.stop();
});
