import { expect, test } from "vitest";
import { answerTo } from "./session-watch.ts";

test("a page that holds somebody's data goes when that one has signed out, or somebody else has signed in", () => {
  expect(answerTo(2, null)).toBe("leave");
  expect(answerTo(2, 3)).toBe("leave");
});

test("who signs in again goes on where they were", () => {
  expect(answerTo(2, 2)).toBe("resume");
});

test("a page that holds nobody's data stays, as that of the sign-in does", () => {
  expect([answerTo(undefined, 2), answerTo(undefined, null)]).toEqual(["stay", "stay"]);
});
