import { expect, it } from "vitest";
import { identify, isAlive, signalProcess } from "./process-table.ts";

it("takes a process for gone once its number has another start time", () => {
  const self = identify(process.pid);
  if (self === null) throw new Error("we are alive");
  expect(isAlive(self)).toBe(true);
  expect(isAlive({ ...self, startTime: "1" })).toBe(false);
  expect(signalProcess({ ...self, startTime: "1" }, "SIGKILL")).toBe(false);
});
