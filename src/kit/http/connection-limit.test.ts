import { expect, test } from "vitest";
import { mostConnections } from "./connection-limit.ts";

test.for([
  ["half of the files", 4096, 2048],
  ["no more than are of use", 1_048_576, 10_000],
  ["enough to be asked how it is, where there are next to no files", 64, 50],
] as const)("a server holds %s", ([, files, most]) => {
  expect(mostConnections(files)).toBe(most);
});
