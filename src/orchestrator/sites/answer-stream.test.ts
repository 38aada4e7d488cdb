import { once } from "node:events";
import { expect, test } from "vitest";
import type { GrantClaims } from "#contract/grant.ts";
import { EpochTable } from "#kit/epochs.ts";
import { streamOf } from "./answer-stream.ts";

async function* texts(): AsyncGenerator<string> {
  yield "one";
  yield "two";
}

// Shape checked by nobody here: what counts is when it is let go.
const caller = { site: 1, siteEpoch: 0 } as unknown as GrantClaims;

test("an answer lets go of everything when it was read, and when nobody ever read it", async () => {
  for (const isRead of [true, false]) {
    const client = new AbortController();
    let held: AbortSignal | undefined;
    const stream = await streamOf({ caller, signal: client.signal, siteId: 1 }, new EpochTable(), (signal) => {
      held = signal;
      return texts();
    });
    expect(held?.aborted).toBe(false);
    const closed = once(stream, "close");
    if (isRead) stream.resume();
    else stream.destroy();
    await closed;
    expect([isRead, held?.aborted]).toEqual([isRead, true]);
  }
});
