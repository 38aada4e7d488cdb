import { describe, expect, it } from "vitest";
import { encodeCursor, numberCursor, pageOf, textCursor } from "./cursor.ts";

describe("a cursor", () => {
  it("comes back as what it was made of", () => {
    expect(textCursor(encodeCursor("a-site"))).toBe("a-site");
    expect(numberCursor(encodeCursor(42))).toBe(42);
  });

  it("that makes no sense is none", () => {
    for (const cursor of [undefined, "", "%", "bm9uc2Vuc2U", encodeCursor("a\0b"), encodeCursor(1), Buffer.from("{}").toString("base64url")]) {
      expect(textCursor(cursor)).toBeNull();
    }
    for (const cursor of [undefined, "", encodeCursor("1"), encodeCursor(1.5), encodeCursor(2 ** 60)]) expect(numberCursor(cursor)).toBeNull();
  });
});

describe("a page", () => {
  const of = { position: (n: number) => n, item: String };

  it("says that there is another one only when a row more was found", () => {
    expect(pageOf([1, 2, 3], 2, of)).toEqual({ items: ["1", "2"], next: encodeCursor(2) });
    expect(pageOf([1, 2], 2, of)).toEqual({ items: ["1", "2"], next: null });
    expect(pageOf([], 2, of)).toEqual({ items: [], next: null });
  });
});
