import { PassThrough, Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { chunksOf } from "./channel-chunks.ts";

test("what came before the end comes out, in order, and then the end", async () => {
  const channel = new PassThrough();
  channel.write("one");
  const chunks = chunksOf(channel);
  expect(String((await chunks.next()).value)).toBe("one");
  const second = chunks.next();
  channel.end("two");
  expect(String((await second).value)).toBe("two");
  expect(await chunks.next()).toMatchObject({ done: true });
});

test("a channel that is closed in the middle has ended", async () => {
  const channel = new PassThrough();
  const next = chunksOf(channel).next();
  channel.destroy();
  expect(await next).toMatchObject({ done: true });
  expect(await chunksOf(channel).next()).toMatchObject({ done: true });
});

test("a chunk that was taken is not kept until the end", async () => {
  const channel = new Readable({ read: () => void channel.push(Buffer.alloc(1024)) });
  const taken: WeakRef<Buffer>[] = [];
  for await (const chunk of chunksOf(channel)) {
    if (taken.push(new WeakRef(chunk)) < 100) continue;
    // What was looked at in this turn is kept until its end.
    await setImmediate();
    collectGarbage();
    expect(taken.slice(0, 90).filter((each) => each.deref() !== undefined)).toEqual([]);
    return;
  }
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
}
