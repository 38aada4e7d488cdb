import { expect, it } from "vitest";
import { filtered, logFilter } from "./log-filter.ts";

const line = (stream: string, text: string): string => `${JSON.stringify({ at: "2026-01-01T00:00:00.000Z", stream, line: text })}\n`;
const log = [line("stdout", "Hello World"), line("stderr", "a warning"), line("router", "502 GET /hello"), line("platform", "started")].join("");

it("chooses by text, whatever its case, and by stream; both have to fit", () => {
  const chosen = (query: string, stream: string): string | undefined => logFilter({ query, stream })?.(log);
  expect(logFilter({ query: "", stream: " " })).toBeNull();
  expect(chosen("hello", "")).toBe(line("stdout", "Hello World") + line("router", "502 GET /hello"));
  expect(chosen("", "router, stderr")).toBe(line("stderr", "a warning") + line("router", "502 GET /hello"));
  expect(chosen("hello", "router")).toBe(line("router", "502 GET /hello"));
  // The words of the format itself are no text of the log's.
  expect(chosen('"stream"', "")).toBe("");
  expect(chosen("", "nothing-of-this-name")).toBe("");
});

it("passes over what is not wanted while a log goes on", async () => {
  async function* texts(): AsyncGenerator<string> {
    yield line("stdout", "no");
    yield line("stdout", "yes") + line("stdout", "no");
  }
  const filter = logFilter({ query: "yes", stream: "" });
  if (filter === null) throw new Error("no filter");
  expect(await Array.fromAsync(filtered(texts(), filter))).toEqual([line("stdout", "yes")]);
});
