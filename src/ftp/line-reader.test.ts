import { expect, test } from "vitest";
import { LineReader, maxLineBytes } from "./line-reader.ts";

const texts = (reader: LineReader, ...chunks: readonly (string | Uint8Array)[]) =>
  chunks.flatMap((chunk) => reader.feed(typeof chunk === "string" ? Buffer.from(chunk) : chunk)).map((line) => (line.kind === "line" ? line.text : line.kind));

test("a command may come in pieces, and several in one packet", () => {
  expect(texts(new LineReader(), "US", "ER a\r", "\nPASS b\r\nPW", "D\n")).toEqual(["USER a", "PASS b", "PWD"]);
});
test("a line of ten megabytes is told once, holds no memory, and the next one is read", () => {
  const reader = new LineReader();
  expect(texts(reader, ...Array.from({ length: 160 }, () => "x".repeat(65_536)), "\r\nNOOP\r\n")).toEqual(["too-long", "NOOP"]);
  expect(texts(reader, `${"y".repeat(maxLineBytes)}\r\n`)).toEqual(["y".repeat(maxLineBytes)]);
});
test("bytes that are no UTF-8 are told, and Telnet's interrupt before ABOR is no part of it", () => {
  expect(texts(new LineReader(), Uint8Array.of(0x52, 0xc3, 0x28, 0x0a), Uint8Array.of(0xff, 0xf4, 0xff, 0xf2), "ABOR\r\n")).toEqual(["not-utf8", "ABOR"]);
});
test("what is incomplete is forgotten on demand", () => {
  const reader = new LineReader();
  texts(reader, "RETR sec");
  reader.reset();
  expect(texts(reader, "NOOP\r\n")).toEqual(["NOOP"]);
});
