import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { siteStatusEvent } from "#contract/internal/orchestrator.ts";
import type { SiteState } from "#contract/site.ts";
import { type SiteStatusEvent, StatusBoard } from "./status-board.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function event(siteId: number, state: SiteState): SiteStatusEvent {
  return { siteId, status: { state, reason: null, since: "2026-01-01T00:00:00.000Z" } };
}

function seen(text: unknown): (readonly [number, string])[] {
  return String(text)
    .split("\n\n")
    .filter((part) => part.startsWith("data: "))
    .map((part) => siteStatusEvent.parse(JSON.parse(part.slice("data: ".length))))
    .map(({ siteId, status }) => [siteId, status.state] as const);
}

describe("the status board", () => {
  it("tells first what it was given, then every change", async () => {
    const board = new StatusBoard();
    const reader = board.follow([event(1, "running")], new AbortController().signal);
    expect((await reader.next()).value).toBe(": alive\n\n");
    expect(seen((await reader.next()).value)).toEqual([[1, "running"]]);
    const next = reader.next();
    board.announce(event(2, "starting"));
    expect(seen((await next).value)).toEqual([[2, "starting"]]);
  });

  it("gives a slow follower the newest status of each site", async () => {
    const board = new StatusBoard();
    const reader = board.follow([], new AbortController().signal);
    await reader.next();
    for (let round = 0; round < 1_000; round += 1) {
      for (const state of ["starting", "running", "crashed"] as const) board.announce(event(1, state));
    }
    board.announce(event(2, "asleep"));
    expect(seen((await reader.next()).value)).toEqual([
      [1, "crashed"],
      [2, "asleep"],
    ]);
  });

  it("says every fifteen seconds that it is alive", async () => {
    const board = new StatusBoard();
    const reader = board.follow([], new AbortController().signal);
    await reader.next();
    const next = reader.next();
    await vi.advanceTimersByTimeAsync(15_000);
    expect((await next).value).toBe(": alive\n\n");
  });

  it("ends for those who leave, and for all when it closes", async () => {
    const board = new StatusBoard();
    const leave = new AbortController();
    const [leaving, staying] = [board.follow([], leave.signal), board.follow([], new AbortController().signal)];
    for (const reader of [leaving, staying]) await reader.next();
    const next = [leaving.next(), staying.next()];
    leave.abort();
    expect((await next[0])?.done).toBe(true);
    board.close();
    expect((await next[1])?.done).toBe(true);
  });
});
