import { describe, expect, it, vi } from "vitest";
import { StartGate } from "./start-gate.ts";

const patience = { timeout: 20_000 };

describe("the start gate", () => {
  it("lets so many through at a time, the others in their order", async () => {
    const gate = new StartGate({ slots: 2, heldMs: 60_000 });
    const order: number[] = [];
    const ends: (() => void)[] = [];
    const all = [0, 1, 2, 3].map((number) =>
      gate.run(async () => {
        order.push(number);
        await new Promise<void>((resolve) => ends.push(resolve));
      }),
    );
    await Promise.resolve();
    expect(order).toEqual([0, 1]);
    ends[1]?.();
    await all[1];
    await vi.waitFor(() => expect(order).toEqual([0, 1, 2]), patience);
    ends[0]?.();
    await all[0];
    await vi.waitFor(() => expect(order).toEqual([0, 1, 2, 3]), patience);
    for (const end of ends) end();
    await Promise.all(all);
  });

  it("gives a turn back after a failure", async () => {
    const gate = new StartGate({ slots: 1, heldMs: 60_000 });
    await expect(gate.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await gate.run(async () => "yes")).toBe("yes");
  });

  it("gives the turn of a start that takes long to the next one", async () => {
    const gate = new StartGate({ slots: 1, heldMs: 10 });
    let end = (): void => undefined;
    const slow = gate.run(() => new Promise<void>((resolve) => (end = resolve)));
    expect(await gate.run(async () => "next")).toBe("next");
    end();
    await slow;
    expect(await gate.run(async () => "after")).toBe("after");
  });
});
