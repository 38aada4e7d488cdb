import { expect, test } from "vitest";
import { agoText, bytesText, countText, durationText, secondsText } from "./formats.ts";

test("sizes are told in units that people know", () => {
  expect([0, 1, 999, 1000, 1500, 99_949, 999_499, 999_500, 1_073_741_824].map(bytesText)).toEqual([
    "0 bytes",
    "1 byte",
    "999 bytes",
    "1.0 kB",
    "1.5 kB",
    "100 kB",
    "999 kB",
    "1.0 MB",
    "1.1 GB",
  ]);
});

test("how long ago something was is told roughly", () => {
  const now = Date.parse("2026-06-15T12:00:00Z");
  const ago = (ms: number) => agoText(new Date(now - ms).toISOString(), now);
  expect([0, 60_000, 3_600_000, 86_400_000 * 3, 86_400_000 * 60].map(ago)).toEqual(["just now", "1 minute ago", "1 hour ago", "3 days ago", "Apr 16, 2026"]);
});

test("durations and counts read as sentences do", () => {
  expect([0, 420, 12_400, 125_000].map(durationText)).toEqual(["0.0 s", "0.4 s", "12 s", "2 min 5 s"]);
  expect([60_000, 3_599_600, 3_600_000, 8_130_000].map(durationText)).toEqual(["1 min", "1 h", "1 h", "2 h 16 min"]);
  expect([60, 600, 3600, 90].map(secondsText)).toEqual(["1 minute", "10 minutes", "1 hour", "90 seconds"]);
  expect([countText(1, "file"), countText(1200, "file")]).toEqual(["1 file", "1,200 files"]);
});
