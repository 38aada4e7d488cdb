import { expect, it } from "vitest";
import { awaitRun, cancelRun, putRun, type RunSpec, readRunLog } from "#contract/internal/runs.ts";
import { defaultRunLimits } from "#contract/task.ts";
import { createComponentClient } from "#kit/component-client.ts";
import { createSigner } from "#kit/grant.ts";
import { createClusterKey } from "./fake-component.ts";
import { startFakeOrchestrator } from "./fake-orchestrator.ts";
import { newUid } from "./fake-runs.ts";

const spec: RunSpec = {
  attempt: 1,
  siteId: null,
  program: { kind: "script", path: "ls.sh" },
  arguments: [],
  environment: {},
  limits: defaultRunLimits,
  idempotencyKey: null,
};

async function open() {
  const key = await createClusterKey();
  const fake = await startFakeOrchestrator(key);
  const client = createComponentClient({ baseUrl: fake.url, audience: "orchestrator", caller: "worker", signer: await createSigner(key.signingKey) });
  return { client, runs: fake.state.runs, [Symbol.asyncDispose]: () => fake.close() };
}

it("starts an attempt once, also after an answer was lost, and ends it as it was planned", async () => {
  await using fake = await open();
  const uid = newUid();
  fake.runs.lostAnswers = 1;
  fake.runs.plan = () => ({ code: 3, stdout: "für\n", afterMs: 5 });
  await expect(fake.client.call(putRun, { params: { uid }, body: spec })).rejects.toMatchObject({ code: "component_away" });
  expect(await fake.client.call(putRun, { params: { uid }, body: spec })).toMatchObject({ attempt: 1 });
  expect(await fake.client.call(awaitRun, { params: { uid }, query: { waitMs: 5_000 } })).toMatchObject({ end: "exited", code: 3, stdoutBytes: 5 });
  expect(fake.runs.starts.map((start) => start.spec.attempt)).toEqual([1]);
  await fake.client.call(putRun, { params: { uid }, body: { ...spec, attempt: 2 } });
  await expect(fake.client.call(putRun, { params: { uid }, body: spec })).rejects.toMatchObject({ code: "run_superseded" });
});

it("follows the output until the run ends", async () => {
  await using fake = await open();
  const uid = newUid();
  fake.runs.plan = () => ({ afterMs: null });
  await fake.client.call(putRun, { params: { uid }, body: spec });
  fake.runs.print(uid, "stdout", "one\n");
  const answer = await fake.client.fetch(readRunLog, { params: { uid, stream: "stdout" }, query: { follow: true } });
  await fake.client.call(cancelRun, { params: { uid }, body: { attempt: 1, graceMs: 0 } });
  expect(JSON.parse(await answer.text())).toEqual({ offset: 0, next: 4, text: "one\n", skipped: 0 });
  expect(fake.runs.find(uid)).toMatchObject({ state: "ended", end: "cancelled", signal: "SIGTERM" });
});
