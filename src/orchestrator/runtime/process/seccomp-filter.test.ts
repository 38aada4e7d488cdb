import { expect, it } from "vitest";
import { seccompFilter } from "./seccomp-filter.ts";

it("knows the system calls of both processors, and leaves an unknown one alone", () => {
  const x64 = seccompFilter("x64");
  const first = (filter: Buffer | null) => filter?.subarray(0, 16).toString("hex");
  // Load the architecture; ours skips the refusal.
  expect(first(x64)).toBe("2000000004000000150001003e0000c0");
  expect(first(seccompFilter("arm64"))).toBe("200000000400000015000100b70000c0");
  expect((x64?.length ?? 0) % 8).toBe(0);
  // The end is: allow.
  expect(x64?.subarray(-8).toString("hex")).toBe("060000000000ff7f");
  expect(seccompFilter("riscv64")).toBeNull();
});
