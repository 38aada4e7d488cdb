import { expect, test } from "vitest";
import { signInTurns } from "./sign-in-turns.ts";

const known = { isKnown: true };
const stranger = { isKnown: false };

/** Work that is under way until it is let go. */
function work() {
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const start = (name: string) => (): Promise<string> => {
    begun.push(name);
    const end = Promise.withResolvers<string>();
    ends.set(name, end);
    return end.promise;
  };
  return { begun, start, end: (name: string) => ends.get(name)?.resolve(name), fail: (name: string) => ends.get(name)?.reject(new Error(name)) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("tries for the same account from the same place come one after the other, also when one fails", async () => {
  const { begun, start, fail, end } = work();
  const inTurn = signInTurns();
  const first = inTurn("ada", start("first"), stranger);
  const second = inTurn("ada", start("second"), stranger);
  const other = inTurn("bob", start("other"), stranger);
  await settled();
  expect(begun).toEqual(["first", "other"]);
  fail("first");
  await expect(first).rejects.toThrow("first");
  await settled();
  expect(begun).toEqual(["first", "other", "second"]);
  for (const name of ["second", "other"]) end(name);
  expect(await Promise.all([second, other])).toEqual(["second", "other"]);
});

test("four are looked at at once, and a known browser is the next one", async () => {
  const { begun, start, end } = work();
  const inTurn = signInTurns();
  const strangers = ["a", "b", "c", "d", "e", "f"].map((name) => inTurn(name, start(name), stranger));
  const owner = inTurn("device", start("owner"), known);
  await settled();
  expect(begun).toEqual(["a", "b", "c", "d"]);
  end("c");
  await settled();
  expect(begun).toEqual(["a", "b", "c", "d", "owner"]);
  for (const name of ["a", "b", "d", "owner"]) end(name);
  await settled();
  for (const name of ["e", "f"]) end(name);
  await Promise.all([...strangers, owner]);
  expect(begun).toEqual(["a", "b", "c", "d", "owner", "e", "f"]);
});

test("too many in one line are refused, and so are too many altogether, but no known browser", async () => {
  const inTurn = signInTurns();
  const never = () => new Promise<never>(() => undefined);
  for (let number = 0; number < 64; number += 1) void inTurn("line", never, stranger);
  await expect(inTurn("line", never, stranger)).rejects.toMatchObject({ code: "too_many_attempts", details: { retryAfterSeconds: 1 } });
  // One of the line has a place; three more, and as many as may wait.
  for (let number = 0; number < 3 + 256; number += 1) void inTurn(`stranger ${number}`, never, stranger);
  await settled();
  await expect(inTurn("one more", never, stranger)).rejects.toMatchObject({ code: "too_many_attempts" });
  const owner = inTurn("device", never, known);
  expect(await Promise.race([owner.catch(() => "refused"), settled().then(() => "waits")])).toBe("waits");
});
