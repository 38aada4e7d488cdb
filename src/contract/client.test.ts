import { expect, test } from "vitest";
import { z } from "zod";
import { createClient } from "./client.ts";
import { endpoint } from "./endpoint.ts";

const shape = endpoint({
  id: "test.read",
  method: "GET",
  path: "/api/v1/read",
  summary: "Reads",
  access: { kind: "anyone" },
  result: z.object({ value: z.number() }),
  status: 200,
});

/** A client whose server answers so much and then vanishes. */
function clientOf(begun: string) {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(begun));
    },
    pull(controller) {
      controller.error(new TypeError("network error"));
    },
  });
  return createClient({ baseUrl: "", peer: "manager", fetch: async () => new Response(body) });
}

test("an answer that breaks off in its middle is one of a component that is away", async () => {
  await expect(clientOf('{"value":').call(shape, {})).rejects.toMatchObject({ code: "component_away", details: { component: "manager" } });
});

test("whoever aborts a call meanwhile gets what aborted it", async () => {
  const signal = AbortSignal.abort();
  await expect(clientOf('{"value":').call(shape, { signal })).rejects.toThrow("network error");
});
