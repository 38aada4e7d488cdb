import { expect, test, vi } from "vitest";
import type { SiteAudience } from "#core/sites/site-store.ts";
import { actor, site } from "../../test/support/builders.ts";
import type { StatusChange } from "./orchestrator-mirror.ts";
import { mostStreams, SiteChangeFeed, type SiteNews } from "./site-change-feed.ts";

const never = new AbortController().signal;
const running = { state: "running", reason: null, since: "2026-11-22T10:00:00.000Z" } as const;

/** Sites 1, 2, …, each with these members; `change` is what an orchestrator tells. */
function bench(members: readonly (readonly number[])[]) {
  const listeners = new Set<(change: StatusChange) => void>();
  const audienceOf = (id: number): readonly [number, SiteAudience][] => {
    const ids = members[id - 1];
    return ids === undefined ? [] : [[id, { site: site({ name: `site-${id}`, kind: "dynamic" }), memberIds: new Set(ids) }]];
  };
  const audiencesOf = vi.fn(async (ids: readonly number[]) => new Map(ids.flatMap(audienceOf)));
  const follow = (listener: (change: StatusChange) => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  const change = (siteId: number): void => {
    for (const listener of listeners) listener({ siteId, status: running });
  };
  return { audiencesOf, listeners, change, feed: new SiteChangeFeed({ sites: { audiencesOf }, mirror: { follow } }) };
}

/** The sites that somebody hears of, as they come. */
function heard(news: AsyncIterable<SiteNews>): string[] {
  const sites: string[] = [];
  const listen = async (): Promise<void> => {
    for await (const { site: name } of news) sites.push(name);
  };
  listen().catch((error: unknown) => sites.push(String(error)));
  return sites;
}

test("a change is looked up once for all who follow, and told to members and administrators", async () => {
  const { feed, change, audiencesOf } = bench([[1, 2], [2]]);
  const people = [...Array.from({ length: 30 }, () => actor({ id: 1 })), actor({ id: 2 }), actor({ id: 3 }), actor({ id: 4, role: "administrator" })];
  const lists = people.map((person) => heard(feed.follow(person, never).news));
  change(1);
  await expect.poll(() => lists[0]).toEqual(["site-1"]);
  expect(audiencesOf.mock.calls).toEqual([[[1]]]);
  for (const id of [2, 1, 2, 3]) change(id);
  await expect.poll(() => lists.at(-1)).toEqual(["site-1", "site-2", "site-1", "site-2"]);
  // What came together is one question more, or two: the first of them does not wait for the others.
  expect(audiencesOf.mock.calls.length).toBeLessThanOrEqual(3);
  expect(lists.slice(0, 30)).toEqual(Array(30).fill(["site-1", "site-1"]));
  expect(lists.slice(30, 32)).toEqual([["site-1", "site-2", "site-1", "site-2"], []]);
});

test("a person has so many streams at most, and a place is free again when one closes or its client goes away", () => {
  const { feed, listeners } = bench([]);
  const client = new AbortController();
  const open = Array.from({ length: mostStreams }, (_, index) => feed.follow(actor({ id: 1 }), index === 0 ? client.signal : never));
  const another = () => feed.follow(actor({ id: 1 }), never);
  expect(another).toThrow(expect.objectContaining({ code: "stream_limit_reached", details: { count: mostStreams } }));
  const other = feed.follow(actor({ id: 2 }), never);
  client.abort();
  open.push(another());
  expect(another).toThrow(expect.objectContaining({ status: 429 }));
  open.at(-1)?.leave();
  open.push(another());
  for (const { leave } of [...open, other]) leave();
  expect(listeners.size).toBe(0);
});

test("nobody follows: nothing is asked", async () => {
  const { feed, change, audiencesOf } = bench([[1]]);
  change(1);
  feed.follow(actor({ id: 1 }), AbortSignal.abort());
  change(1);
  expect(audiencesOf).not.toHaveBeenCalled();
});

test("when it cannot be looked up the streams end with the error, and who comes back hears again", async () => {
  const { feed, change, audiencesOf, listeners } = bench([[1]]);
  audiencesOf.mockRejectedValueOnce(new Error("the database is away"));
  const lists = [1, 1].map((id) => heard(feed.follow(actor({ id }), never).news));
  change(1);
  await expect.poll(() => lists).toEqual([["Error: the database is away"], ["Error: the database is away"]]);
  expect(listeners.size).toBe(0);
  const back = heard(feed.follow(actor({ id: 1 }), never).news);
  change(1);
  await expect.poll(() => back).toEqual(["site-1"]);
});

test("a client that takes nothing keeps the newest thousand", async () => {
  const { feed, change } = bench(Array.from({ length: 1_200 }, () => [1]));
  const { news } = feed.follow(actor({ id: 1 }), never);
  const other = heard(feed.follow(actor({ id: 1 }), never).news);
  for (let id = 1; id <= 1_200; id += 1) change(id);
  await expect.poll(() => other.at(-1)).toBe("site-1200");
  const late = heard(news);
  await expect.poll(() => late.at(-1)).toBe("site-1200");
  expect([late.length, late[0]]).toEqual([1_000, "site-201"]);
});
