import { expect, test } from "vitest";
import { ScrollBack } from "./scroll-back.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

function all(scrollBack: ScrollBack, from: number): { readonly offset: number; readonly text: string } {
  const first = scrollBack.read(from);
  let text = "";
  for (let piece = first; piece.bytes.length > 0; piece = scrollBack.read(piece.offset + piece.bytes.length)) text += Buffer.from(piece.bytes).toString();
  return { offset: first.offset, text };
}

test("whoever comes back goes on at the byte where it left", () => {
  const scrollBack = new ScrollBack(100);
  for (const text of ["hello ", "wor", "ld"]) scrollBack.append(bytes(text));
  expect(all(scrollBack, 0)).toEqual({ offset: 0, text: "hello world" });
  expect(all(scrollBack, 7)).toEqual({ offset: 7, text: "orld" });
  expect(all(scrollBack, 11)).toEqual({ offset: 11, text: "" });
});

test("a place beyond the end is the end", () => {
  const scrollBack = new ScrollBack(100);
  scrollBack.append(bytes("hello"));
  expect(all(scrollBack, 900)).toEqual({ offset: 5, text: "" });
});

test("it keeps at least what it may, drops the oldest, and says where what is left begins", () => {
  const scrollBack = new ScrollBack(10);
  for (let index = 0; index < 100; index += 1) scrollBack.append(bytes("abcd"));
  expect([scrollBack.start, scrollBack.end]).toEqual([388, 400]);
  expect(all(scrollBack, 0)).toEqual({ offset: 388, text: "abcdabcdabcd" });
});

test("nothing appended is nothing kept", () => {
  const scrollBack = new ScrollBack(10);
  scrollBack.append(new Uint8Array(0));
  expect(all(scrollBack, 0)).toEqual({ offset: 0, text: "" });
});
