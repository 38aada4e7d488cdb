import { expect, test } from "vitest";
import { acceptedEncodings, contentTypeOf, isCompressible } from "./representation.ts";

test.each([
  ["index.html", "text/html; charset=utf-8", true],
  ["app.js", "text/javascript; charset=utf-8", true],
  ["data.json", "application/json", true],
  ["logo.svg", "image/svg+xml", true],
  ["photo.jpg", "image/jpeg", false],
  ["font.woff2", "font/woff2", false],
  ["code.wasm", "application/wasm", true],
  ["notes", "application/octet-stream", false],
  ["UPPER.HTML", "text/html; charset=utf-8", true],
])("%s is %s, worth compressing: %s", (name, type, compressible) => {
  expect([contentTypeOf(name), isCompressible(type)]).toEqual([type, compressible]);
});

test.each([
  ["gzip, deflate, br", ["br", "gzip"]],
  ["gzip;q=1.0, br;q=0", ["gzip"]],
  ["GZIP", ["gzip"]],
  ["*", ["br", "gzip"]],
  ["*, br;q=0", ["gzip"]],
  ["*;q=0", []],
  ["identity", []],
  ["", []],
  [undefined, []],
])("Accept-Encoding %s takes %j", (header, names) => {
  expect(acceptedEncodings(header).map(({ name }) => name)).toEqual(names);
});
