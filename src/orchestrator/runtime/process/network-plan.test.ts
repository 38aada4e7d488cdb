import { expect, it } from "vitest";
import { AddressSlots } from "./address-slots.ts";
import { addressPair, blockCount, blockRange, blockSlots, hostLinkCommands, interfaceName, isLinkOf, rangeOf, siteLinkCommands } from "./network-plan.ts";

it("cuts 10.77.0.0/16 into pairs that never overlap", () => {
  expect(addressPair(0, 0)).toEqual({ host: "10.77.0.0", site: "10.77.0.1" });
  expect(addressPair(0, 128)).toEqual({ host: "10.77.1.0", site: "10.77.1.1" });
  expect(addressPair(1, 0)).toEqual({ host: "10.77.16.0", site: "10.77.16.1" });
  expect(addressPair(blockCount - 1, blockSlots - 1)).toEqual({ host: "10.77.255.254", site: "10.77.255.255" });
});

it("knows the range of a network and of a block", () => {
  expect(rangeOf("10.77.16.0/20")).toEqual(blockRange(1));
  expect(rangeOf("10.77.3.200/24")).toEqual(rangeOf("10.77.3.0/24"));
  expect(rangeOf("10.77.0.1")).toEqual({ first: 172818433, last: 172818433 });
  expect(rangeOf("0.0.0.0/0")).toEqual({ first: 0, last: 2 ** 32 - 1 });
  expect(rangeOf("default")).toBeNull();
});

it("names interfaces within fifteen letters, and tells them from others", () => {
  const longest = interfaceName("abcdef", blockSlots - 1);
  expect(longest).toBe("blabcdef-2047");
  expect(longest.length).toBeLessThanOrEqual(15);
  expect([longest, "blabcdef-0", "blabcde-0", "eth0", "blabcdef-x"].map((name) => isLinkOf("abcdef", name))).toEqual([true, true, false, false, false]);
});

it("makes both ends of a pair", () => {
  expect(hostLinkCommands([{ name: "blx-3", pair: { host: "10.77.0.6", site: "10.77.0.7" }, holderPid: 42 }]).split("\n")).toEqual([
    "link add blx-3 type veth peer name eth0 netns 42",
    "link set blx-3 addrgenmode none",
    "addr add 10.77.0.6/31 dev blx-3",
    "link set blx-3 up",
    "",
  ]);
  expect(siteLinkCommands({ host: "10.77.0.6", site: "10.77.0.7" }).split("\n")).toEqual([
    "link set lo up",
    "link set eth0 addrgenmode none",
    "addr add 10.77.0.7/31 dev eth0",
    "link set eth0 up",
    "",
  ]);
});

it("lets an address rest before it is given out again", () => {
  let now = 1000;
  const slots = new AddressSlots({ slots: 2, quarantineMs: 60_000, clock: { now: () => now, isSteady: true } });
  expect([slots.take(), slots.take(), slots.take()]).toEqual([0, 1, null]);
  slots.release(1);
  now += 59_999;
  expect(slots.take()).toBeNull();
  slots.release(0);
  now += 1;
  expect([slots.take(), slots.take()]).toEqual([1, null]);
});
