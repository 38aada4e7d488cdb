import { expect, test } from "vitest";
import { siteServerAddress } from "./site-server-address.ts";

/** A supervisor that answers what a test says, in any order. */
function fakeParent() {
  const sent: { readonly id: number }[] = [];
  const listeners = new Set<(message: unknown) => void>();
  return {
    sent,
    listeners,
    answer: (id: number, result: unknown) => {
      for (const listener of [...listeners]) listener({ type: "site-server", id, result });
    },
    channel: {
      send: (message: unknown) => void sent.push(message as { readonly id: number }),
      listen: (onMessage: (message: unknown) => void) => {
        listeners.add(onMessage);
        return () => listeners.delete(onMessage);
      },
    },
  };
}

test("an administrator's own server is taken without asking anyone", async () => {
  const parent = fakeParent();
  expect(await siteServerAddress("postgres://own", parent.channel)()).toBe("postgres://own");
  expect(parent.sent).toEqual([]);
});

test("the supervisor is asked each time, since it may have to start the server, and each answer finds its question", async () => {
  const parent = fakeParent();
  const address = siteServerAddress(undefined, parent.channel);
  const [first, second] = [address(), address()];
  expect(parent.sent).toEqual([
    { type: "site-server", id: 1 },
    { type: "site-server", id: 2 },
  ]);
  parent.answer(2, { url: "postgres://second" });
  parent.answer(1, { url: "postgres://first" });
  expect(await Promise.all([first, second])).toEqual(["postgres://first", "postgres://second"]);
  expect(parent.listeners.size).toBe(0);
});

test("why there is no server is told to people", async () => {
  const parent = fakeParent();
  const asked = siteServerAddress(undefined, parent.channel)();
  parent.answer(1, { problem: "no PostgreSQL was found" });
  await expect(asked).rejects.toMatchObject({ code: "site_databases_off", message: expect.stringContaining("no PostgreSQL was found") });
  await expect(siteServerAddress(undefined, null)()).rejects.toMatchObject({ code: "site_databases_off" });
});
