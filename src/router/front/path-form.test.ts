import { expect, test } from "vitest";
import { parsePathForm, pathFormLocation } from "./path-form.ts";

test.each([
  ["/~alice/", { name: "alice", rest: "/" }],
  ["/~alice", { name: "alice", rest: "/" }],
  ["/chess-club/a/b?c=d", { name: "chess-club", rest: "/a/b?c=d" }],
  ["/~Alice/x", { name: "alice", rest: "/x" }],
  ["/alice?x=1", { name: "alice", rest: "/?x=1" }],
  ["/alice//evil.example/", { name: "alice", rest: "//evil.example/" }],
  ["/", null],
  ["/-x/", null],
  ["/a%2fb/", null],
  ["/favicon.ico", null],
])("%s is %j", (target, form) => {
  expect(parsePathForm(target)).toEqual(form);
});

test("it leads to the site's own host, at the port by which the visitor came", () => {
  const form = { name: "alice", rest: "//evil.example/?a" };
  expect(pathFormLocation(form, "alice.localhost", { scheme: "http", hostHeader: "localhost:8080" })).toBe("http://alice.localhost:8080//evil.example/?a");
  expect(pathFormLocation(form, "alice.example", { scheme: "https", hostHeader: "sites.example" })).toBe("https://alice.example//evil.example/?a");
});
