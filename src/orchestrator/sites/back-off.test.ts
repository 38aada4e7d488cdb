import { describe, expect, it } from "vitest";
import { afterCrash, afterVisit, type BackOffPolicy, type Crash, type CrashHistory, noCrashes } from "./back-off.ts";

const policy: BackOffPolicy = { delaysMs: [200, 1_000, 5_000], wellAfterMs: 60_000, unseenCrashes: 4 };

function crash(at: number, given: Partial<Crash> = {}): Crash {
  return { at, ranMs: 100, cause: { kind: "exit", code: 1 }, lastLine: null, ...given };
}

/** Crashes one after the other, ten seconds apart. */
function crashes(...given: Partial<Crash>[]): { history: CrashHistory; delays: (number | null)[] } {
  let history = noCrashes;
  const delays: (number | null)[] = [];
  for (const [index, each] of given.entries()) {
    const next = afterCrash(history, crash((index + 1) * 10_000, each), policy);
    history = next.history;
    delays.push(next.restartInMs);
  }
  return { history, delays };
}

describe("back-off", () => {
  it("waits longer after each crash, and for a visitor after some that nobody saw", () => {
    expect(crashes({}, {}, {}, {}, {}).delays).toEqual([200, 1_000, 5_000, null, null]);
  });

  it("keeps visitors away until the delay is over, also when it no longer starts by itself", () => {
    expect(crashes({}).history.retryAt).toBe(10_200);
    expect(crashes({}, {}, {}, {}, {}, {}).history.retryAt).toBe(65_000);
  });

  it("forgets crashes when the program has run well for a minute", () => {
    const { history, delays } = crashes({}, {}, { ranMs: 60_000 });
    expect(delays).toEqual([200, 1_000, 200]);
    expect(history.crashes).toHaveLength(1);
  });

  it("never starts a program again by itself that did not listen", () => {
    expect(crashes({ cause: { kind: "silent", seconds: 30 } }).delays).toEqual([null]);
  });

  it("starts by itself again once somebody has asked for the site", () => {
    const { history } = crashes({}, {}, {}, {});
    const next = afterCrash(afterVisit(history), crash(90_000), policy);
    expect(next.restartInMs).toBe(5_000);
    expect(next.history.crashes).toHaveLength(5);
  });

  it("remembers a bounded number of crashes", () => {
    expect(crashes(...Array.from({ length: 100 }, () => ({}))).history.crashes).toHaveLength(20);
  });
});
