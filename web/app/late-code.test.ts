import { expect, test } from "vitest";
import { LostCode, lateCode } from "./late-code.ts";

test("code that is lost on the way is asked for again, and after three attempts that is said", async () => {
  const paused: number[] = [];
  const pause = async (ms: number): Promise<void> => void paused.push(ms);
  let asked = 0;
  const load = async (): Promise<string> => {
    asked += 1;
    if (asked % 4 !== 3) throw new TypeError("Failed to fetch dynamically imported module");
    return "code";
  };
  expect(await lateCode(load, pause)).toBe("code");
  expect([asked, paused]).toEqual([3, [500, 2_000]]);
  const never = lateCode(() => Promise.reject(new TypeError("Failed to fetch")), pause);
  await expect(never).rejects.toThrow(LostCode);
});
