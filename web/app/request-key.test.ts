import { expect, test } from "vitest";
import { createRequestKey } from "./request-key.ts";

function keys() {
  let count = 0;
  return createRequestKey(() => String(++count));
}

test("the same request keeps its key until it has succeeded", () => {
  const { keyFor, done } = keys();
  const request = { script: "backup.sh", arguments: ["a"] };
  expect([keyFor(request), keyFor({ ...request })]).toEqual(["1", "1"]);
  done();
  expect(keyFor(request)).toBe("2");
});

test("another request has another key", () => {
  const { keyFor } = keys();
  expect([keyFor({ arguments: ["a"] }), keyFor({ arguments: ["b"] }), keyFor({ arguments: ["b"] })]).toEqual(["1", "2", "2"]);
});

test("keys cannot be guessed, and fit into a header", () => {
  const made = Array.from({ length: 50 }, () => createRequestKey().keyFor({}));
  expect(new Set(made).size).toBe(50);
  expect(made.every((key) => /^[0-9a-f]{32}$/.test(key))).toBe(true);
});
