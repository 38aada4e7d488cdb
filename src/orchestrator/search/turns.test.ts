import { expect, it } from "vitest";
import { Turns } from "./turns.ts";

const never = new AbortController().signal;
const limits = { atOnce: 2, perSite: 1, waiting: 3, waitingPerSite: 2 };

it("no site takes every turn, and those who wait go on in order", async () => {
  const turns = new Turns(limits);
  const order: string[] = [];
  const first = await turns.take(1, never);
  const told = async (text: string): Promise<Disposable> => {
    const turn = await turns.take(1, never);
    order.push(text);
    return turn;
  };
  const waiting = [told("1 again"), told("1 at last")];
  const other = await turns.take(2, never);
  order.push("2");
  first[Symbol.dispose]();
  const second = await waiting[0];
  second?.[Symbol.dispose]();
  second?.[Symbol.dispose]();
  (await waiting[1])?.[Symbol.dispose]();
  other[Symbol.dispose]();
  expect(order).toEqual(["2", "1 again", "1 at last"]);
});

it("too many who wait are sent away, and who leaves makes room", async () => {
  const turns = new Turns(limits);
  using _first = await turns.take(1, never);
  const leaving = new AbortController();
  const left = turns.take(1, leaving.signal);
  const stays = turns.take(1, never);
  stays.catch(() => undefined);
  await expect(turns.take(1, never)).rejects.toMatchObject({ code: "rate_limited" });
  leaving.abort(new Error("gone"));
  await expect(left).rejects.toThrow("gone");
  void turns.take(1, never).catch(() => undefined);
});
