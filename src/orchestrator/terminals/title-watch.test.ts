import { expect, test } from "vitest";
import { TitleWatch } from "./title-watch.ts";

const titleOf = (...pieces: readonly string[]): string | null => {
  const watch = new TitleWatch();
  for (const piece of pieces) watch.read(Buffer.from(piece));
  return watch.title;
};

test.each([
  ["none", ["plain text\n"], null],
  ["ended by a bell", ["a\u001b]0;my title\u0007b"], "my title"],
  ["ended by ESC \\", ["\u001b]2;other\u001b\\"], "other"],
  ["in pieces", ["\u001b", "]", "0;in pi", "eces", "\u001b", "\\"], "in pieces"],
  ["the last of several", ["\u001b]0;first\u0007\u001b]0;second\u0007"], "second"],
  ["taken back", ["\u001b]0;first\u0007\u001b]0;\u0007"], null],
  ["of an icon only", ["\u001b]1;icon\u0007"], null],
  ["with letters of more than a byte", ["\u001b]0;Größe\u0007"], "Größe"],
  ["with control characters", ["\u001b]0;a\u0001b\u202ec\u0007"], "abc"],
  ["without an end", [`\u001b]0;${"x".repeat(5000)}`, "\u0007"], null],
])("a title %s", (_what, pieces, title) => expect(titleOf(...pieces)).toBe(title));
