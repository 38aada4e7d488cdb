import { expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { readRequestHeaders } from "./request-head.ts";

const lines = (...headers: string[]) => readRequestHeaders(headers).lines;

test("ordinary headers pass in their order and case", () => {
  expect(readRequestHeaders(["Host", "foo.localhost:8080", "Accept", "*/*", "X-Own", "a"])).toEqual({
    lines: "Host: foo.localhost:8080\r\nAccept: */*\r\nX-Own: a\r\n",
    contentLength: 0,
    hasBody: false,
  });
});

test("what concerns one connection only, and what visitors say of their address, stays here", () => {
  expect(
    lines(
      "Host",
      "a",
      "Connection",
      "keep-alive",
      "Keep-Alive",
      "x",
      "TE",
      "trailers",
      "Expect",
      "100-continue",
      "Proxy-Authorization",
      "x",
      "X-Forwarded-For",
      "6.6.6.6",
    ),
  ).toBe("Host: a\r\n");
  expect(lines("Host", "a", "X-Real-IP", "6.6.6.6", "Forwarded", "for=6.6.6.6", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil")).toBe("Host: a\r\n");
});

test("an underscore does not carry a header past that", () => {
  expect(lines("Host", "a", "X_Real_IP", "6.6.6.6", "x_forwarded-for", "6.6.6.6", "my_header", "1")).toBe("Host: a\r\nmy_header: 1\r\n");
});

test("headers that Connection lists stay here too, but for those that frame the request", () => {
  expect(lines("Host", "a", "Connection", "close, X-Once, Content-Length, Host", "X-Once", "1", "X-Kept", "2", "Content-Length", "3")).toBe(
    "Host: a\r\nX-Kept: 2\r\nContent-Length: 3\r\n",
  );
});

test("the dashboard's session does not pass", () => {
  expect(lines("Cookie", "backlot_session=s")).toBe("");
  expect(lines("Cookie", "a=1; backlot_session=s")).toBe("Cookie: a=1\r\n");
});

test("a body is announced in one way", () => {
  expect(readRequestHeaders(["Content-Length", "10"])).toEqual({ lines: "Content-Length: 10\r\n", contentLength: 10, hasBody: true });
  expect(readRequestHeaders(["Content-Length", "0"])).toEqual({ lines: "Content-Length: 0\r\n", contentLength: 0, hasBody: false });
  expect(readRequestHeaders(["Transfer-Encoding", "Chunked"])).toEqual({ lines: "Transfer-Encoding: chunked\r\n", contentLength: null, hasBody: true });
});

test.each([
  ["two hosts", ["Host", "a", "host", "b"]],
  ["two lengths", ["Content-Length", "1", "content-length", "1"]],
  ["a length and chunks", ["Content-Length", "1", "Transfer-Encoding", "chunked"]],
  ["a length that is no number", ["Content-Length", "+1"]],
  ["a length with an underscore", ["Content_Length", "5", "Content-Length", "1"]],
  ["another coding before the chunks", ["Transfer-Encoding", "gzip, chunked"]],
  ["two transfer codings", ["Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"]],
  ["an unknown coding", ["Transfer-Encoding", "xchunked"]],
])("a request with %s is refused", (_, headers) => {
  expect(() => readRequestHeaders(headers)).toThrow(Failure);
});
