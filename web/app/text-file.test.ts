import { expect, test } from "vitest";
import { decodeText, encodeText, imageTypeOf } from "./text-file.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a file comes back byte for byte, with its line ends and its mark", () => {
  for (const text of ["", "a\nb\n", "a\r\nb\r\n", "\ufeffgrüß\r\n", "\ufeff", "one line"]) {
    const file = decodeText(bytes(text));
    expect(file === null ? null : encodeText(file)).toEqual(bytes(text));
  }
});

test("the editor sees line feeds only", () => {
  expect(decodeText(bytes("a\r\nb\r\n"))).toEqual({ text: "a\nb\n", lineEnd: "\r\n", hasMark: false });
});

test("what is not UTF-8 text is not taken for text", () => {
  expect(decodeText(new Uint8Array([0x89, 0x50, 0x4e, 0x47]))).toBeNull();
  expect(decodeText(new Uint8Array([0x61, 0x00, 0x62]))).toBeNull();
  expect(decodeText(new Uint8Array([0xff, 0xfe, 0x61]))).toBeNull();
});

test("pictures are known by their ending, whatever its case", () => {
  expect([imageTypeOf("a.PNG"), imageTypeOf("a.b.svg"), imageTypeOf("png"), imageTypeOf("a.txt")]).toEqual(["image/png", "image/svg+xml", null, null]);
});
