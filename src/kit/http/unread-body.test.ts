import { once } from "node:events";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import fastify from "fastify";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { drainUnread } from "./unread-body.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

function upload(): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.push("the first half");
  return request;
}

test("a client that goes on sending for too long is cut off", () => {
  const request = upload();
  drainUnread(request, 30_000);
  vi.advanceTimersByTime(29_999);
  expect(request.socket.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(request.socket.destroyed).toBe(true);
});

test("a client that ends its body in time keeps its connection", async () => {
  const request = upload();
  drainUnread(request, 30_000);
  const ended = once(request, "end");
  request.complete = true;
  request.push(null);
  await ended;
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(request.socket.destroyed).toBe(false);
});

test("a body that was read to its end is not waited for, although Fastify's `inject` never calls it complete", async () => {
  const app = fastify();
  const seen: boolean[] = [];
  app.addHook("onResponse", async ({ raw }) => {
    seen.push(raw.complete);
    drainUnread(raw, 30_000);
  });
  app.post("/", async () => "taken");
  await app.inject({ method: "POST", url: "/", payload: { read: "to its end" } });
  expect(seen).not.toContain(true);
  expect(seen).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});
