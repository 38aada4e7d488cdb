import { expect, test } from "vitest";
import { isFromBacklot } from "./connection.ts";
import { safeNext, textParam } from "./search-params.ts";

test("a gateway's error page means that nobody is there, a problem document that Backlot speaks", () => {
  expect(isFromBacklot(502, "text/html")).toBe(false);
  expect(isFromBacklot(503, null)).toBe(false);
  expect(isFromBacklot(503, "application/problem+json; charset=utf-8")).toBe(true);
  expect(isFromBacklot(404, "text/html")).toBe(true);
});

test("after the sign-in only paths of the dashboard are gone to", () => {
  expect(["/sites/chess?x=1", "//evil.example", "https://evil.example", "/\\evil.example", undefined, ""].map(safeNext)).toEqual([
    "/sites/chess?x=1",
    "/",
    "/",
    "/",
    "/",
    "/",
  ]);
});

test("only text is taken from the address", () => {
  expect([textParam({ q: "a" }, "q"), textParam({ q: 2026 }, "q"), textParam({ q: "" }, "q"), textParam({ q: { a: 1 } }, "q")]).toEqual([
    { q: "a" },
    { q: "2026" },
    {},
    {},
  ]);
});
