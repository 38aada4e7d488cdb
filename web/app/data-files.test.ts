import { QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { folderQuery, refreshFolder } from "./data-files.ts";
import { queryClient } from "./query-client.ts";

const patience = { timeout: 20_000 };
interface Asked {
  isAborted: boolean;
  readonly answer: () => void;
}
let asked: Asked[];
let leave: () => void;

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", (_url: string, init: RequestInit = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const one: Asked = { isAborted: false, answer: () => resolve(Response.json({ entries: [] })) };
    init.signal?.addEventListener("abort", () => {
      one.isAborted = true;
      reject(init.signal?.reason);
    });
    asked.push(one);
    return promise;
  });
  leave = new QueryObserver(queryClient, folderQuery("chess", "data")).subscribe(() => undefined);
});
afterEach(() => {
  leave();
  queryClient.clear();
  vi.unstubAllGlobals();
});

test("a folder that changes all the time is listed to its end, and once more afterwards", async () => {
  await vi.waitFor(() => expect(asked).toHaveLength(1), patience);
  asked[0]?.answer();
  await vi.waitFor(() => expect(queryClient.isFetching()).toBe(0), patience);
  const changes = [1, 2, 3].map(() => refreshFolder("chess", "data"));
  await vi.waitFor(() => expect(asked).toHaveLength(2), patience);
  asked[1]?.answer();
  await vi.waitFor(() => expect(asked).toHaveLength(3), patience);
  // What changes during the last listing is in none yet.
  const last = refreshFolder("chess", "data");
  asked[2]?.answer();
  await vi.waitFor(() => expect(asked).toHaveLength(4), patience);
  asked[3]?.answer();
  await Promise.all([...changes, last]);
  expect(asked.map(({ isAborted }) => isAborted)).toEqual([false, false, false, false]);
});
