import { expect, test } from "vitest";
import { ProtocolError, parseResponseHead } from "./response-head.ts";

test("a head is read with its headers in order", () => {
  expect(parseResponseHead("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nContent-Length:  5 ")).toEqual({
    status: 404,
    reason: "Not Found",
    fields: ["Content-Type", "text/plain", "Set-Cookie", "a=1", "Content-Length", "5"],
    hasSetCookie: true,
    contentLength: 5,
    isChunked: false,
    keepsAlive: true,
    keepAliveMs: null,
    upgrade: null,
  });
});

test("what concerns one connection only stays here", () => {
  const head = parseResponseHead(
    "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Once\r\nKeep-Alive: timeout=5, max=3\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\nX-Once: 1\r\nX: 2",
  );
  expect(head.fields).toEqual(["X", "2"]);
  expect([head.isChunked, head.keepAliveMs, head.keepsAlive]).toEqual([true, 5000, true]);
});

test.each([
  ["HTTP/1.1 200 OK", true],
  ["HTTP/1.1 200 OK\r\nConnection: close", false],
  ["HTTP/1.0 200 OK", false],
  ["HTTP/1.0 200 OK\r\nConnection: Keep-Alive", true],
])("whether the connection stays after %j: %s", (text, keepsAlive) => {
  expect(parseResponseHead(text).keepsAlive).toBe(keepsAlive);
});

test("a reason may be empty or missing", () => {
  expect(parseResponseHead("HTTP/1.1 200 \r\nA: b").reason).toBe("");
  expect(parseResponseHead("HTTP/1.1 200").reason).toBe("");
});

test.each([
  ["no HTTP", "SSH-2.0-OpenSSH_9.2"],
  ["a later HTTP", "HTTP/2.0 200 OK"],
  ["a status that is no number", "HTTP/1.1 abc OK"],
  ["a status of four digits", "HTTP/1.1 2000 OK"],
  ["a line without a name", "HTTP/1.1 200 OK\r\n: x"],
  ["a line without a colon", "HTTP/1.1 200 OK\r\nnonsense"],
  ["a folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c"],
  ["two different lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2"],
  ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1"],
  ["a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"],
  ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked"],
  ["a coding beside the chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked"],
])("%s is refused", (_, text) => {
  expect(() => parseResponseHead(text)).toThrow(ProtocolError);
});
