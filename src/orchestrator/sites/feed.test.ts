import { describe, expect, it } from "vitest";
import { Feed } from "./feed.ts";

const note = (count: number): string => `[${count} skipped]`;

async function takeAll(feed: Feed): Promise<string[]> {
  const texts: string[] = [];
  for await (const text of feed.read()) texts.push(text);
  return texts;
}

describe("a feed", () => {
  it("gives out what comes, a burst as one text", async () => {
    const feed = new Feed({ items: 10, length: 100 }, note);
    const reader = feed.read();
    feed.push("a");
    feed.push("b");
    expect((await reader.next()).value).toBe("ab");
    const next = reader.next();
    feed.push("c");
    expect((await next).value).toBe("c");
  });

  it.each([
    ["in number", { items: 2, length: 100 }],
    ["in length", { items: 100, length: 2 }],
  ])("lets a slow reader lose the oldest, bounded %s", async (_, limits) => {
    const feed = new Feed(limits, note);
    for (const item of ["a", "b", "c", "d", "e"]) feed.push(item);
    const reader = feed.read();
    expect((await reader.next()).value).toBe("[3 skipped]");
    expect((await reader.next()).value).toBe("de");
  });

  it("ends for a reader that waits", async () => {
    const feed = new Feed({ items: 10, length: 100 }, note);
    const all = takeAll(feed);
    feed.end();
    expect(await all).toEqual([]);
    feed.push("late");
    expect(await takeAll(feed)).toEqual([]);
  });
});
