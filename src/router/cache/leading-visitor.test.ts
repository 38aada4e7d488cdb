import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { leadingVisitor } from "./leading-visitor.ts";

const waiter = { again: () => undefined, pass: () => undefined, stale: () => undefined, failed: () => undefined };

test("a visitor who takes nothing while a page is stored for others is waited for once, however many pieces come", () => {
  const res = Object.assign(new EventEmitter(), { write: () => false });
  const leader = leadingVisitor(res as unknown as ServerResponse, { host: "news.localhost", forwarded: "uri-miss" }, waiter);
  let drained = 0;
  const piece = (): boolean =>
    leader.write(Buffer.from("x"), () => {
      drained += 1;
    });
  for (let count = 0; count < 20; count += 1) expect(piece()).toBe(false);
  expect(res.listenerCount("drain")).toBe(1);
  res.emit("drain");
  expect(drained).toBe(1);
  piece();
  res.emit("drain");
  expect(drained).toBe(2);
});
