import { expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { Gathered } from "./gathered.ts";

/** Writes when told to; what contains a bang cannot be written. */
function heldBack() {
  const batches: string[][] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const gathered = new Gathered<string, ReadonlySet<string>>(async (items) => {
    batches.push([...items]);
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
    if (items.some((item) => item.includes("!"))) throw new Error("refused");
    return new Set(items);
  });
  const open = async (): Promise<void> => {
    await expect.poll(() => gates.length).toBeGreaterThan(0);
    gates.shift()?.resolve();
  };
  return { gathered, batches, open };
}

it("writes the first at once, and all that came meanwhile together", async () => {
  const { gathered, batches, open } = heldBack();
  const written = ["a", "b", "c"].map((item) => gathered.add(item));
  await open();
  await open();
  expect((await Promise.all(written)).map((keys) => [...keys])).toEqual([["a"], ["b", "c"], ["b", "c"]]);
  expect(batches).toEqual([["a"], ["b", "c"]]);
  const later = gathered.add("d");
  await open();
  expect([...(await later)]).toEqual(["d"]);
});

it("writes the others when one of them cannot be written", async () => {
  const { gathered, open } = heldBack();
  const results = Promise.allSettled(["a", "b!", "c"].map((item) => gathered.add(item)));
  for (let write = 0; write < 4; write += 1) await open();
  expect((await results).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

it("tries none again when the line broke: nobody knows what was written", async () => {
  let writes = 0;
  const gate = Promise.withResolvers<void>();
  const gathered = new Gathered<string, ReadonlySet<string>>(async (items) => {
    writes += 1;
    await gate.promise;
    if (items.length > 1) throw new Failure("component_away", { component: "database" });
    return new Set(items);
  });
  const results = Promise.allSettled(["a", "b", "c"].map((item) => gathered.add(item)));
  gate.resolve();
  expect((await results).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
  expect(writes).toBe(2);
});
