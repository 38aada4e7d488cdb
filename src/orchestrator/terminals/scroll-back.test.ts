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
  const scrollBack = new ScrollBack(40_000);
  const line = (index: number): string => `line ${String(index).padStart(10, "0")}\n`;
  for (let index = 0; index < 10_000; index += 1) scrollBack.append(bytes(line(index)));
  const everything = Array.from({ length: 10_000 }, (_, index) => line(index)).join("");
  expect(scrollBack.end).toBe(everything.length);
  expect(scrollBack.end - scrollBack.start).toBeGreaterThanOrEqual(40_000);
  expect(scrollBack.end - scrollBack.start).toBeLessThan(40_000 + 2 * 16 * 1024);
  expect(all(scrollBack, 0)).toEqual({ offset: scrollBack.start, text: everything.slice(scrollBack.start) });
  for (const place of [scrollBack.start + 1, 131_072, 131_073, scrollBack.end - 1]) expect(all(scrollBack, place).text).toBe(everything.slice(place));
});

test("a large piece and many small ones are the same", () => {
  const [large, small] = [new ScrollBack(100_000), new ScrollBack(100_000)];
  const text = "0123456789".repeat(9_000);
  large.append(bytes(text));
  for (const letter of text) small.append(bytes(letter));
  expect(all(small, 0)).toEqual(all(large, 0));
});

test("nothing appended is nothing kept", () => {
  const scrollBack = new ScrollBack(10);
  scrollBack.append(new Uint8Array(0));
  expect(all(scrollBack, 0)).toEqual({ offset: 0, text: "" });
});
