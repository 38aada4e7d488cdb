import { expect, test } from "vitest";
import { patientFetch } from "./patient-fetch.ts";

/** A network that loses this many requests before it lets one through. */
function lossy(lost: number, error: () => unknown = () => new TypeError("Failed to fetch")) {
  const sent: string[] = [];
  const paused: number[] = [];
  const send: typeof fetch = async (input, init) => {
    sent.push(`${init?.method ?? "GET"} ${String(input)}`);
    if (sent.length <= lost) throw error();
    return new Response("here");
  };
  const pause = async (ms: number): Promise<void> => void paused.push(ms);
  return { sent, paused, fetch: patientFetch(send, pause) };
}

test("a reading request that was lost is sent again, twice at most", async () => {
  const once = lossy(2);
  expect(await (await once.fetch("/a")).text()).toBe("here");
  expect([once.sent, once.paused]).toEqual([
    ["GET /a", "GET /a", "GET /a"],
    [250, 1_000],
  ]);
  const never = lossy(9);
  await expect(never.fetch("/a")).rejects.toThrow(TypeError);
  expect(never.sent).toHaveLength(3);
});

test("what changes something is sent once: it may have arrived", async () => {
  const network = lossy(1);
  await expect(network.fetch("/a", { method: "PUT" })).rejects.toThrow(TypeError);
  expect(network.sent).toEqual(["PUT /a"]);
});

test("nothing is sent again for whoever has left", async () => {
  const left = new AbortController();
  const network = lossy(1, () => {
    left.abort();
    return new TypeError("Failed to fetch");
  });
  await expect(network.fetch("/a", { signal: left.signal })).rejects.toThrow();
  expect(network.sent).toHaveLength(1);
});
