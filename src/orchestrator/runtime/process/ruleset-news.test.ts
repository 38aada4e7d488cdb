import { expect, it } from "vitest";
import { removalsIn } from "./ruleset-news.ts";

/** As the kernel says it: a header, what family it is of, and the name as an attribute. */
function message(kind: number, name: string, subsystem = 10): Buffer {
  const body = Buffer.from(`\x01\0\0\0${"\x0f\0\x01\0"}${name}\0`);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length);
  header.writeUInt8(kind, 4);
  header.writeUInt8(subsystem, 5);
  const whole = Buffer.concat([header, body]);
  return Buffer.concat([whole, Buffer.alloc((4 - (whole.length % 4)) % 4)]);
}

it("hears what was taken out of the firewall, and nothing that was added or is of another part of the kernel", () => {
  const { removals, rest } = removalsIn(Buffer.concat([message(0, "added"), message(2, "backlot_x1"), message(14, "element"), message(2, "other", 1)]));
  expect(removals.map(({ body, isElement }) => [body.includes("backlot_x1\0"), isElement])).toEqual([
    [true, false],
    [false, true],
  ]);
  expect(rest).toHaveLength(0);
});

it("keeps the beginning of a message that has not come whole", () => {
  const whole = message(2, "backlot_x1");
  for (const cut of [3, 17, whole.length - 5]) {
    const first = removalsIn(whole.subarray(0, cut));
    expect(first.removals).toEqual([]);
    expect(removalsIn(Buffer.concat([first.rest, whole.subarray(cut)])).removals).toHaveLength(1);
  }
});

it("goes on after what no kernel says", () => {
  expect(removalsIn(Buffer.alloc(40))).toEqual({ removals: [], rest: Buffer.alloc(0) });
});
