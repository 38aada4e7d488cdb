import { describe, expect, it } from "vitest";
import { cleanJson, cleanText } from "./clean-text.ts";

describe("what PostgreSQL cannot keep", () => {
  it("is taken out of texts", () => {
    expect(cleanText("a\0b\ud800c")).toBe("ab\ufffdc");
    expect(cleanText("plain ünï 🎭 \\u0000")).toBe("plain ünï 🎭 \\u0000");
  });

  it("is taken out of every text in JSON, keys too, and nothing else is touched", () => {
    expect(JSON.parse(cleanJson({ "k\0": ["\0", { deep: "\ud800" }], n: 1, none: null, yes: true, escaped: "\\u0000" }))).toEqual({
      k: ["", { deep: "\ufffd" }],
      n: 1,
      none: null,
      yes: true,
      escaped: "\\u0000",
    });
  });
});
