import { expect, test } from "vitest";
import type { PurgeRequest } from "#contract/site-cache.ts";
import { ChangedPages } from "./changed-pages.ts";

/** What is asked of shared pages, each answered when the test says so. */
function stage() {
  const asked: { readonly siteId: number; readonly asked: PurgeRequest; readonly answer: (count: number | null) => void }[] = [];
  const forget = (siteId: number, request: PurgeRequest): Promise<number | null> => {
    const { promise, resolve } = Promise.withResolvers<number | null>();
    asked.push({ siteId, asked: request, answer: resolve });
    return promise;
  };
  const pages = new ChangedPages({ forget }, 1);
  const open = (...targets: readonly string[]): readonly boolean[] => targets.map((target) => pages.isOpen(8, target));
  const settled = (...targets: readonly string[]) => expect.poll(() => open(...targets), { timeout: 20_000, interval: 1 });
  return { pages, asked, open, settled };
}

test("what is shared of a changed address is not to be taken until it is forgotten, with whatever query", async () => {
  const { pages, asked, open, settled } = stage();
  expect(open("/a")).toEqual([false]);
  pages.add(8, "/a");
  expect(open("/a", "/a?x=1", "/b", "/a/b")).toEqual([true, true, false, false]);
  expect(pages.isOpen(9, "/a")).toBe(false);
  expect(asked.map(({ siteId, asked: request }) => [siteId, request])).toEqual([[8, { path: "/a" }]]);
  asked[0]?.answer(1);
  await settled("/a", "/a?x=1").toEqual([false, false]);
  expect(asked).toHaveLength(1);
});

test("an address that is changed again while the order is under way is forgotten once more, however often that was", async () => {
  const { pages, asked, settled } = stage();
  for (let count = 0; count < 50; count += 1) pages.add(8, "/a");
  expect(asked).toHaveLength(1);
  asked[0]?.answer(1);
  await expect.poll(() => asked.length, { timeout: 20_000, interval: 1 }).toBe(2);
  expect(pages.isOpen(8, "/a")).toBe(true);
  asked[1]?.answer(0);
  await settled("/a").toEqual([false]);
});

test("what is not forgotten for sure is asked for again until it is, and until then nothing of the site is taken", async () => {
  const { pages, asked, open, settled } = stage();
  pages.add(8, "/a");
  asked[0]?.answer(null);
  await settled("/a", "/b").toEqual([true, true]);
  for (const next of [1, 2, 3]) {
    await expect.poll(() => asked.length, { timeout: 20_000, interval: 1 }).toBe(next + 1);
    expect([asked[next]?.asked, ...open("/a", "/b")]).toEqual([{}, true, true]);
    asked[next]?.answer(next === 3 ? 0 : null);
  }
  await settled("/a", "/b").toEqual([false, false]);
  expect(asked).toHaveLength(4);
});

test("of a site with very many changes at once all pages are forgotten instead", async () => {
  const { pages, asked, settled } = stage();
  for (let count = 0; count < 300; count += 1) pages.add(8, `/${count}`);
  expect([asked.length, asked.at(-1)?.asked]).toEqual([101, {}]);
  for (const { answer } of [...asked]) answer(0);
  await expect.poll(() => asked.length, { timeout: 20_000, interval: 1 }).toBe(102);
  asked[101]?.answer(0);
  await settled("/1", "/299", "/other").toEqual([false, false, false]);
});

test("nothing is asked any more once it is closed", async () => {
  const { pages, asked, settled } = stage();
  pages.add(8, "/a");
  asked[0]?.answer(null);
  await expect.poll(() => asked.length, { timeout: 20_000, interval: 1 }).toBe(2);
  pages.close();
  asked[1]?.answer(null);
  await settled("/a").toEqual([false]);
  expect(asked).toHaveLength(2);
});
