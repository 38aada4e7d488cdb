import { expect, test } from "vitest";
import { keptLines, type LogLine, linesOfKind, mergeLines, searchLines } from "./log-lines.ts";

const line = (second: number, text: string): LogLine => ({ at: `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`, line: text, stream: "stdout" });
const texts = (lines: readonly LogLine[]) => lines.map((each) => each.line);

test("after a reconnect the repeated tail is left out and nothing new is lost", () => {
  const kept = mergeLines([], [line(1, "a"), line(2, "b"), line(2, "b")], null);
  const again = mergeLines(kept, [line(1, "a"), line(2, "b"), line(2, "b"), line(2, "c"), line(3, "b")], line(2, "").at);
  expect(texts(again)).toEqual(["a", "b", "b", "c", "b"]);
});

test("equal lines that come later are all shown", () => {
  const kept = mergeLines([], [line(1, "tick")], null);
  expect(texts(mergeLines(kept, [line(2, "tick"), line(2, "tick")], line(1, "").at))).toEqual(["tick", "tick", "tick"]);
});

test("only the newest lines are kept, numbered without a gap", () => {
  const many = Array.from({ length: keptLines + 5 }, (_, index) => line(index % 60, String(index)));
  const kept = mergeLines([], many, null);
  expect(kept).toHaveLength(keptLines);
  expect([kept[0]?.id, kept.at(-1)?.id]).toEqual([6, keptLines + 5]);
});

test("a search ignores case and surrounding spaces", () => {
  const kept = mergeLines([], [line(1, "Error: x"), line(2, "fine")], null);
  expect(texts(searchLines(kept, " ERROR "))).toEqual(["Error: x"]);
  expect(searchLines(kept, "")).toBe(kept);
});

test("lines are chosen by who wrote them", () => {
  const all = ["stdout", "stderr", "platform", "router"].map((stream, id) => ({ id, line: stream, at: "", stream }));
  const chosen = (kind: Parameters<typeof linesOfKind>[1]) => texts(linesOfKind(all, kind));
  expect(chosen("all")).toHaveLength(4);
  expect(chosen("program")).toEqual(["stdout", "stderr"]);
  expect(chosen("problems")).toEqual(["stderr", "router"]);
  expect(chosen("platform")).toEqual(["platform"]);
});
