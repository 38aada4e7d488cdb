import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { OperationView } from "#contract/api/views.ts";
import { Failure, type FailureCode, type FailureDetails, problemOf } from "#contract/failure.ts";
import { sessionEnded } from "./connection.ts";
import { trackedOperations, trackOperation } from "./operations.ts";
import { queryClient } from "./query-client.ts";

const operation: OperationView = {
  id: "00000000-0000-4000-8000-000000000000",
  ...{ kind: "restart", state: "running", site: "chess", requestedBy: "anna", failure: null, steps: [] },
  ...{ createdAt: "2026-11-23T10:00:00.000Z", startedAt: null, finishedAt: null },
};
let page: EventTarget & { visibilityState: string };
/** What the server answers; when it was asked, in seconds. */
let answer: () => Response;
let askedAt: number[];

const refusal =
  (code: FailureCode, details: FailureDetails = {}) =>
  (): Response => {
    const failure = new Failure(code, details);
    return Response.json(problemOf(failure), { status: failure.status, headers: { "content-type": "application/problem+json" } });
  };
const done = (): Response => Response.json({ operation: { ...operation, state: "succeeded" } });

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  vi.stubGlobal("document", page);
  vi.stubGlobal("window", new EventTarget());
  askedAt = [];
  vi.stubGlobal("fetch", async (url: string) => {
    // The pages' look at whether the server is there is no matter here.
    if (url.endsWith("/session")) return refusal("not_signed_in")();
    askedAt.push(Math.round(Date.now() / 1000));
    // No stream comes through: it is always asked.
    return url.endsWith("/events") ? new Response(null) : answer();
  });
});
afterEach(async () => {
  // Whatever a test left under way ends.
  answer = done;
  show("visible");
  sessionEnded.set(false);
  await vi.advanceTimersByTimeAsync(60_000);
  queryClient.clear();
  trackedOperations.set([]);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function show(state: "visible" | "hidden"): void {
  page.visibilityState = state;
  page.dispatchEvent(new Event("visibilitychange"));
}
async function pass(seconds: number): Promise<number> {
  const before = askedAt.length;
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  return askedAt.length - before;
}
const seen = () => trackedOperations.get()[0];

test("a tab that nobody sees asks nothing, and tells the end as soon as somebody looks", async () => {
  answer = () => Response.json({ operation });
  trackOperation(operation);
  expect(await pass(10)).toBeGreaterThan(5);
  show("hidden");
  await pass(2);
  expect(await pass(60)).toBe(0);
  answer = done;
  show("visible");
  await pass(2);
  expect(seen()?.operation.state).toBe("succeeded");
});

test("nothing is asked until the person has signed in again", async () => {
  answer = refusal("not_signed_in");
  trackOperation(operation);
  await pass(2);
  expect(sessionEnded.get()).toBe(true);
  expect(await pass(60)).toBe(0);
  expect(seen()?.trouble).toBeNull();
  answer = done;
  sessionEnded.set(false);
  await pass(2);
  expect(seen()?.operation.state).toBe("succeeded");
});

test("a refusal is told and not asked for again", async () => {
  answer = refusal("site_not_found");
  trackOperation(operation);
  await pass(2);
  expect(seen()?.trouble).toContain("site");
  expect(await pass(60)).toBe(0);
});

test("where nothing answers it is asked less and less often, until it does", async () => {
  answer = refusal("internal", { requestId: "1" });
  trackOperation(operation);
  const soon = await pass(15);
  expect(await pass(60)).toBeLessThan(2 * soon);
  expect(seen()?.trouble).toContain("does not answer");
  answer = done;
  await pass(20);
  expect(seen()?.operation.state).toBe("succeeded");
});
