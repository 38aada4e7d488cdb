import { expect, test } from "vitest";
import { databaseReason, databaseState, judgeSize } from "./site-database.ts";

const limit = 1000;

test("a database over its limit takes no writes, one far over it no connections", () => {
  expect([0, 1000, 1001, 1500, 1501].map((bytes) => judgeSize(bytes, limit, "open"))).toEqual(["open", "open", "read-only", "read-only", "closed"]);
});

test("one that was held back is let go when it has shrunk somewhat below the limit", () => {
  expect([1001, 1000, 951, 950].map((bytes) => judgeSize(bytes, limit, "read-only"))).toEqual(["read-only", "read-only", "read-only", "open"]);
  expect(judgeSize(1200, limit, "closed")).toBe("read-only");
});

test("a state that keeps a program from working is explained", () => {
  expect(databaseState({ lifecycle: "ready", hold: "open" })).toBe("ready");
  expect(databaseReason("ready")).toBeNull();
  expect(databaseState({ lifecycle: "ready", hold: "read-only" })).toBe("read-only");
  expect(databaseReason("read-only")).toMatch(/over its limit/);
  expect(databaseState({ lifecycle: "deleting", hold: "closed" })).toBe("deleting");
});
