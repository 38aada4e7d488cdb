import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Failure } from "#contract/failure.ts";
import { actor, actorSite } from "../../test/support/builders.ts";
import type { OpenCall } from "./stream-access.ts";
import { StreamAccess } from "./stream-access.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Who asks, by what: a token, or a session. */
function callOf(credential: { readonly token: string } | { readonly session: string }, signal = new AbortController().signal): OpenCall {
  const isToken = "token" in credential;
  const headers = isToken ? { authorization: `Bearer ${credential.token}` } : { cookie: "backlot_session=x" };
  // Only the headers of a request are looked at.
  return { caller: { actor: actor(), sessionId: isToken ? null : credential.session }, request: { headers } as unknown as OpenCall["request"], signal };
}

/** Credentials that are no good any more are refused with `refusal`; `looks` tells how often was asked. */
function bench() {
  const state = { looks: 0, watches: 0, refusal: null as Error | null };
  const stillSignedIn = async (): Promise<void> => {
    state.looks += 1;
    if (state.refusal !== null) throw state.refusal;
  };
  const watch = () => {
    state.watches += 1;
    const release = (): void => {
      state.watches -= 1;
    };
    return { signal: new AbortController().signal, release };
  };
  return { state, streams: new StreamAccess({ access: { signalFor: watch, signalWhile: watch }, stillSignedIn }) };
}

test.each([
  ["a token", { token: "secret" }, 1_500],
  ["a session", { session: "id" }, 5_000],
] as const)("what was opened with %s that counts no more ends at the next look", async (_, credential, everyMs) => {
  const { state, streams } = bench();
  const { signal } = streams.signalFor(callOf(credential), null);
  await vi.advanceTimersByTimeAsync(10 * everyMs);
  expect([state.looks, signal.aborted]).toEqual([10, false]);
  state.refusal = new Failure("not_signed_in");
  await vi.advanceTimersByTimeAsync(everyMs - 1);
  expect(signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(signal.aborted).toBe(true);
});

test("a thousand streams of one token are one look, and others' streams go on", async () => {
  const { state, streams } = bench();
  const theirs = Array.from({ length: 1_000 }, () => streams.signalFor(callOf({ token: "one" }), actorSite()));
  await vi.advanceTimersByTimeAsync(1_500);
  expect(state.looks).toBe(1);
  state.refusal = new Failure("not_signed_in");
  const other = streams.signalFor(callOf({ session: "other" }), null);
  await vi.advanceTimersByTimeAsync(1_500);
  expect([theirs.every(({ signal }) => signal.aborted), other.signal.aborted]).toEqual([true, false]);
});

test("a database that is away, and any other fault, ends nothing", async () => {
  const { state, streams } = bench();
  const { signal } = streams.signalFor(callOf({ token: "one" }), null);
  for (const refusal of [new Failure("component_away", { component: "database" }), new Error("a bug")]) {
    state.refusal = refusal;
    await vi.advanceTimersByTimeAsync(3_000);
  }
  expect([state.looks, signal.aborted]).toEqual([4, false]);
});

test("what has closed, and what its client left before it began, is looked at no more", async () => {
  const { state, streams } = bench();
  const [first, second] = [streams.signalFor(callOf({ token: "one" }), null), streams.signalFor(callOf({ token: "one" }), null)];
  first.release();
  await vi.advanceTimersByTimeAsync(1_500);
  expect([state.looks, state.watches]).toEqual([1, 1]);
  second.release();
  const client = new AbortController();
  streams.signalFor(callOf({ token: "one" }, client.signal), null);
  client.abort();
  streams.signalFor(callOf({ token: "one" }, client.signal), null);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([state.looks, vi.getTimerCount()]).toEqual([1, 0]);
});

test("what needs verbs is asked about by its own guard", async () => {
  const { state, streams } = bench();
  const again = vi.fn(async () => {
    throw new Failure("role_too_low");
  });
  const reading = streams.signalFor(callOf({ token: "one" }), actorSite());
  const shell = streams.signalWhile(callOf({ token: "one" }), { site: actorSite(), verbs: ["site.shell"], again });
  await vi.advanceTimersByTimeAsync(1_500);
  expect([state.looks, reading.signal.aborted, again.mock.calls.length, shell.signal.aborted]).toEqual([1, false, 1, true]);
});
