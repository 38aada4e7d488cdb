import { expect, it } from "vitest";
import { WayOut } from "./way-out.ts";

function wayOut() {
  const said: string[] = [];
  const letOut = async (ip: string) => {
    said.push(`add ${ip}`);
    return async () => void said.push(`delete ${ip}`);
  };
  return { said, out: new WayOut(letOut) };
}

it("lets out who may go out, and nobody else", async () => {
  const { said, out } = wayOut();
  const closed = [await out.open("172.30.1.2", true), await out.open("172.30.1.3", false), await out.open(null, true)];
  for (const close of closed) await close();
  expect(said).toEqual(["add 172.30.1.2", "delete 172.30.1.2"]);
});

it("gives who comes to an address nothing of the one before, whose end is heard of later", async () => {
  const { said, out } = wayOut();
  const closeFirst = await out.open("172.30.1.2", true);
  await out.open("172.30.1.2", false);
  expect(said).toEqual(["add 172.30.1.2", "delete 172.30.1.2"]);
  await closeFirst();
  expect(said).toHaveLength(2);
});

it("takes nothing from who comes to an address and may go out, too", async () => {
  const { said, out } = wayOut();
  const closeFirst = await out.open("172.30.1.2", true);
  const closeSecond = await out.open("172.30.1.2", true);
  await closeFirst();
  expect(said).toEqual(["add 172.30.1.2"]);
  await closeSecond();
  expect(said).toEqual(["add 172.30.1.2", "delete 172.30.1.2"]);
});
