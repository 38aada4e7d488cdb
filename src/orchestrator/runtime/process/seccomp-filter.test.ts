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

it.each([
  ["x64", 314, 144, 251],
  ["arm64", 274, 119, 30],
] as const)("keeps the first process's scheduling and rank at the disk from everybody else's hands: %s", (architecture, setattr, setscheduler, ioprioSet) => {
  const refused = 0x00050001;
  const allowed = 0x7fff0000;
  const says = (number: number, ...given: readonly number[]) => answerOf(architecture, number, given);
  for (const number of [setattr, setscheduler]) expect([says(number, 1), says(number, 0), says(number, 7)]).toEqual([refused, allowed, allowed]);
  expect([says(ioprioSet, 1, 1), says(ioprioSet, 2, 7), says(ioprioSet, 3, 7), says(ioprioSet, 1, 0)]).toEqual([refused, refused, refused, allowed]);
});

/** What the filter makes of a system call: the few instructions that it consists of, followed one by one. */
function answerOf(architecture: "x64" | "arm64", number: number, given: readonly number[]): number {
  const filter = seccompFilter(architecture) ?? Buffer.alloc(0);
  const call = new Map([[0, number], [4, architecture === "x64" ? 0xc000003e : 0xc00000b7], ...given.map((value, index) => [16 + index * 8, value] as const)]);
  let loaded = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const [code, then, otherwise, value] = [filter.readUInt16LE(at), filter.readUInt8(at + 2), filter.readUInt8(at + 3), filter.readUInt32LE(at + 4)];
    if (code === 0x06) return value;
    if (code === 0x20) loaded = call.get(value) ?? 0;
    else {
      const holds = code === 0x15 ? loaded === value : code === 0x35 ? loaded >= value : (loaded & value) !== 0;
      at += (holds ? then : otherwise) * 8;
    }
  }
  throw new Error("the filter has no end");
}
