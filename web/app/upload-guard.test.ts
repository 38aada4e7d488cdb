import { expect, test } from "vitest";
import { createStore } from "./store.ts";
import { guardWhile } from "./upload-guard.ts";

test("leaving the page is asked about while something is under way, and neither before nor after", () => {
  const page = new EventTarget();
  const store = createStore<readonly string[]>([]);
  guardWhile(store, (all) => all.includes("sending"), page);
  const isAsked = (): boolean => !page.dispatchEvent(new Event("beforeunload", { cancelable: true }));
  expect(isAsked()).toBe(false);
  store.set(["sending"]);
  store.set(["done", "sending"]);
  expect(isAsked()).toBe(true);
  store.set(["done", "failed"]);
  expect(isAsked()).toBe(false);
});
