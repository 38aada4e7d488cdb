import { expect, test } from "vitest";
import { contentOf, isDrawing, mediaOf } from "./content.ts";
import { readPreferences } from "./preferences.ts";

test("pictures, sound, films and PDF are known by their names, everything else is read as text", () => {
  expect(["a.PNG", "b/c.mp3", "d.webm", "e.pdf", "f.html", "mp3"].map(mediaOf)).toEqual(["image", "audio", "video", "pdf", null, null]);
  expect(isDrawing("img/logo.svg")).toBe(true);
});

test("bytes are text when they are UTF-8 without zeros", () => {
  const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
  expect(contentOf(bytes(104, 105), '"1"')).toEqual({ kind: "text", text: { text: "hi", lineEnd: "\n", hasMark: false }, etag: '"1"', size: 2 });
  expect(contentOf(bytes(0, 1), null)).toEqual({ kind: "opaque", reason: "binary", etag: null, size: 2 });
  expect(contentOf(bytes(0xff, 0xfe, 0x41), null).kind).toBe("opaque");
});

test("settings of the editor survive what other versions of the page left", () => {
  expect(readPreferences(null).fontPx).toBe(14);
  expect(readPreferences("no JSON").isWrapped).toBe(false);
  expect(readPreferences('{"fontPx":400,"isWrapped":true,"panel":"news"}')).toMatchObject({ fontPx: 14, isWrapped: true, panel: null });
});
