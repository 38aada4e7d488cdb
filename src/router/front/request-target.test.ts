import { expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { hostName, onlyHost, parseTarget, splitQuery } from "./request-target.ts";

test.each([
  ["foo.localhost", "foo.localhost"],
  ["FOO.localhost:8080", "foo.localhost"],
  ["foo.localhost.", "foo.localhost"],
  ["foo.localhost.:80", "foo.localhost"],
  ["127.0.0.1:80", "127.0.0.1"],
  ["[::1]:8080", "[::1]"],
  ["[::1]", "[::1]"],
  ["a:b:c", "a:b:c"],
  ["", ""],
  [undefined, ""],
])("the host of %s is %s", (header, host) => {
  expect(hostName(header)).toBe(host);
});

test("a path is taken as it is", () => {
  expect(parseTarget("/a%2fb?c=d", "foo.localhost:1")).toEqual({ host: "foo.localhost", target: "/a%2fb?c=d" });
});

test("an absolute address of the same host is a path too", () => {
  expect(parseTarget("http://FOO.localhost:8080/a?b", "foo.localhost:8080")).toEqual({ host: "foo.localhost", target: "/a?b" });
  expect(parseTarget("http://foo.localhost?b", "foo.localhost")).toEqual({ host: "foo.localhost", target: "/?b" });
});

test.each(["http://other.localhost/", "*", "ftp://foo.localhost/", "foo"])("%s is refused", (url) => {
  expect(() => parseTarget(url, "foo.localhost")).toThrow(Failure);
});

test("the query keeps its question mark", () => {
  expect(splitQuery("/a?b?c")).toEqual({ path: "/a", query: "?b?c" });
  expect(splitQuery("/a")).toEqual({ path: "/a", query: "" });
});

test("a request has one Host header, and something stands in it", () => {
  expect(onlyHost(["Accept", "*/*", "hOST", "foo.localhost:1", "Hosts", "other.localhost"])).toBe("foo.localhost:1");
  expect(() => onlyHost(["Accept", "*/*"])).toThrow("it names no host");
  expect(() => onlyHost(["Host", ""])).toThrow("it names no host");
  expect(() => onlyHost(["Host", "foo.localhost", "host", "foo.localhost"])).toThrow("it names two hosts");
});
