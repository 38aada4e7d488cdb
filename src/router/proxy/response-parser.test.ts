import { expect, test } from "vitest";
import { ProtocolError, type ResponseHead } from "./response-head.ts";
import { ResponseParser, type ResponseSink } from "./response-parser.ts";

class Heard implements ResponseSink {
  readonly events: string[] = [];
  body = "";

  onHead(head: ResponseHead): void {
    this.events.push(`head ${head.status}`);
  }

  onData(chunk: Buffer): void {
    this.body += chunk.toString("latin1");
  }

  onEnd(): void {
    this.events.push(`end ${this.body}`);
    this.body = "";
  }

  onUpgrade(head: ResponseHead, rest: Buffer): void {
    this.events.push(`upgrade ${head.upgrade} ${rest.toString("latin1")}`);
  }
}

/** Parses a text that comes in pieces of these sizes (the last repeated), and then the end of the connection. */
function parse(text: string, pieceSize: number, isHeadRequest = false): string[] {
  const heard = new Heard();
  const parser = new ResponseParser();
  parser.begin(isHeadRequest);
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += pieceSize) parser.execute(bytes.subarray(at, at + pieceSize), heard);
  parser.finish(heard);
  return heard.events;
}

const answers: readonly (readonly [name: string, text: string, events: readonly string[]])[] = [
  ["a body of known length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", ["head 200", "end hello"]],
  ["an empty body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ["head 200", "end "]],
  ["a body until the end of the connection", "HTTP/1.0 200 OK\r\n\r\nhello", ["head 200", "end hello"]],
  ["no body after 204", "HTTP/1.1 204 No Content\r\n\r\n", ["head 204", "end "]],
  ["no body after 304, whatever its length says", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", ["head 304", "end "]],
  [
    "chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, and more!\r\n0\r\n\r\n".replace("A;", "b;"),
    ["head 200", "end hello, and more!"],
  ],
  ["chunks with trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 1\r\nMore: 2\r\n\r\n", ["head 200", "end x"]],
  [
    "a word before the answer",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    ["head 200", "end x"],
  ],
];

test.each(answers)("%s is read, however it is cut into pieces", (_, text, events) => {
  for (let size = 1; size <= text.length; size += 1) expect(parse(text, size), `pieces of ${size}`).toEqual(events);
});

test("the answer to HEAD has no body, whatever its length says", () => {
  expect(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1000, true)).toEqual(["head 200", "end "]);
});

test("after 101 the rest is another protocol's", () => {
  expect(parse("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\u0081\u0002hi", 1000)).toEqual(["upgrade websocket \u0081\u0002hi"]);
});

test("one answer follows another on one connection", () => {
  const heard = new Heard();
  const parser = new ResponseParser();
  for (const body of ["one", "two"]) {
    parser.begin(false);
    expect(parser.isIdle).toBe(false);
    parser.execute(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n${body}`), heard);
    expect(parser.isIdle).toBe(true);
  }
  expect(heard.events).toEqual(["head 200", "end one", "head 200", "end two"]);
});

const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
test.each([
  ["bytes after the answer", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n"],
  ["a second answer that nobody asked for", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["an end in the middle of the head", "HTTP/1.1 200 OK\r\nContent-"],
  ["an end in the middle of the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"],
  ["an end in the middle of the chunks", `${chunked}5\r\nhello\r\n`],
  ["a chunk's size that is no number", `${chunked}5x\r\nhello\r\n0\r\n\r\n`],
  ["a chunk's negative size", `${chunked}-5\r\nhello\r\n0\r\n\r\n`],
  ["a chunk that is longer than it says", `${chunked}4\r\nhello\r\n0\r\n\r\n`],
  ["a head without end", `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(20_000)}`],
  ["a chunk's size without end", `${chunked}5;${"x".repeat(2000)}`],
  ["trailers without end", `${chunked}0\r\n${"A: b\r\n".repeat(20_000)}`],
])("%s is refused", (_, text) => {
  expect(() => parse(text, 1000)).toThrow(ProtocolError);
});
