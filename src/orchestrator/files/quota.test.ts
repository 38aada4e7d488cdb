import { expect, it } from "vitest";
import { judgeExcess, judgeQuota, type QuotaQuestion } from "./quota.ts";

const roomy: QuotaQuestion = {
  used: { bytes: 500, files: 5, isTooDeep: false, isShut: false },
  limits: { diskBytes: 1000, files: 10 },
  addBytes: 100,
  addFiles: 1,
  freeBytes: 10_000,
  reservedBytes: 1000,
  writeBytes: 100,
};
const verdict = (change: Partial<QuotaQuestion>): string => judgeQuota({ ...roomy, ...change })?.code ?? "fits";

it("a site may fill its quota to the last byte and file, and not one more", () => {
  expect([verdict({}), verdict({ addBytes: 500 }), verdict({ addBytes: 501 })]).toEqual(["fits", "fits", "quota_exceeded"]);
  expect([verdict({ addFiles: 5 }), verdict({ addFiles: 6 })]).toEqual(["fits", "quota_exceeded"]);
});

it("a site that is over its quota may still shrink", () => {
  const over = { bytes: 2000, files: 20, isTooDeep: false, isShut: false };
  expect(verdict({ used: over, addBytes: -10, addFiles: 0 })).toBe("fits");
  expect(verdict({ used: over, addBytes: 1, addFiles: 0 })).toBe("quota_exceeded");
  expect(verdict({ used: over, addBytes: 0, addFiles: 1 })).toBe("quota_exceeded");
});

it("nobody takes the disk's reserve, whatever is replaced", () => {
  expect([verdict({ freeBytes: 1100 }), verdict({ freeBytes: 1099 })]).toEqual(["fits", "disk_full"]);
  expect(verdict({ freeBytes: 1099, addBytes: -50 })).toBe("disk_full");
});

it("folders nested too deep to be counted, or shut to everybody, make a site full", () => {
  expect(verdict({ used: { bytes: 0, files: 0, isTooDeep: true, isShut: false } })).toBe("quota_exceeded");
  const shut = { bytes: 0, files: 0, isTooDeep: false, isShut: true };
  expect([verdict({ used: shut }), judgeExcess(shut, roomy.limits)?.code]).toEqual(["quota_exceeded", "quota_exceeded"]);
});

it("a site with so many files that they were not counted to their end may only delete", () => {
  const uncounted = { bytes: 0, files: 21, isTooDeep: false, isShut: false };
  expect(verdict({ used: uncounted, addBytes: -10, addFiles: 0 })).toBe("quota_exceeded");
  expect(judgeExcess(uncounted, roomy.limits)?.details.detail).toContain("more than 2 times the 10 files");
});
