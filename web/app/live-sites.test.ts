import { QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Failure, problemOf } from "#contract/failure.ts";
import { keepSitesLive } from "./live-sites.ts";
import { queryClient } from "./query-client.ts";
import { whileStreaming } from "./stream-room.ts";

/** What the page shows. */
const shown = { list: ["sites", {}], site: ["site", "chess"], folder: ["site", "chess", "files", "folder", ""] };
/** How often each was asked for, and what of it was broken off. */
let asked: Record<string, number>;
let broken: string[];
let streams: number;
let stop: AbortController;
let leave: (() => void)[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
  vi.stubGlobal("window", new EventTarget());
  [asked, broken, streams, stop] = [{}, [], 0, new AbortController()];
  vi.stubGlobal("fetch", async () => {
    streams += 1;
    const failure = new Failure("stream_limit_reached", { count: 32 });
    return Response.json(problemOf(failure), { status: failure.status, headers: { "content-type": "application/problem+json" } });
  });
  leave = Object.entries(shown).map(([name, queryKey]) => {
    const queryFn = ({ signal }: { signal: AbortSignal }) => {
      asked[name] = (asked[name] ?? 0) + 1;
      signal.addEventListener("abort", () => broken.push(name));
      return new Promise((resolve) => setTimeout(() => resolve(asked[name]), 6_000));
    };
    queryClient.setQueryData(queryKey, 0);
    return new QueryObserver(queryClient, { queryKey, queryFn, staleTime: Number.POSITIVE_INFINITY }).subscribe(() => undefined);
  });
});
afterEach(() => {
  stop.abort();
  for (const each of leave) each();
  queryClient.clear();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function pass(seconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(seconds * 1000);
}

test("whoever may follow nothing more asks instead, for no more than the states, and never again before an answer", async () => {
  void keepSitesLive(stop.signal);
  await pass(3);
  expect([streams, asked]).toEqual([1, {}]);
  // Asked every four seconds, answered after six: an answer comes all the same.
  await pass(18);
  expect(streams).toBe(6);
  expect(Object.keys(asked)).toEqual(["list", "site"]);
  expect(Object.values(asked).every((count) => count >= 2 && count <= 4)).toBe(true);
  expect(broken).toEqual([]);
});

test("a page whose other streams have all the room asks in the same way", async () => {
  const others = [whileStreaming(stop.signal), whileStreaming(stop.signal)];
  void keepSitesLive(stop.signal);
  await pass(21);
  for (const other of others) other.release();
  expect([streams, broken, Object.keys(asked)]).toEqual([0, [], ["list", "site"]]);
});
