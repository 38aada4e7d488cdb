import { afterEach, expect, test, vi } from "vitest";
import { Failure } from "#contract/failure.ts";
import type { SiteStatus } from "#contract/site.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { silentLog } from "#kit/log.ts";
import { letPass, setClock } from "../../test/support/set-clock.ts";
import { NodeMirror } from "./node-mirror.ts";

afterEach(() => vi.restoreAllMocks());

test("what an orchestrator said last is not told any more once it is away for long, also when the machine's clock is set back", async () => {
  const status: SiteStatus = { state: "running", reason: null, since: new Date(0).toISOString() };
  const said = Promise.withResolvers<void>();
  let streams = 0;
  const open = async (): Promise<Response> => {
    streams += 1;
    if (streams > 1) throw new Failure("component_away", { component: "orchestrator" });
    const event = new TextEncoder().encode(`data: ${JSON.stringify({ siteId: 7, status })}\n\n`);
    return new Response(
      new ReadableStream({
        start: async (controller) => {
          controller.enqueue(event);
          await said.promise;
          controller.close();
        },
      }),
    );
  };
  const client = { fetch: open } as unknown as ComponentClient;
  const mirror = new NodeMirror({ client, log: silentLog(), onConnected: () => undefined, onStatus: () => undefined });
  mirror.start();
  try {
    await expect.poll(() => mirror.statusOf(7)?.state, { timeout: 20_000 }).toBe("running");
    said.resolve();
    await expect.poll(() => streams, { timeout: 20_000 }).toBeGreaterThan(2);
    expect(mirror.statusOf(7)?.state).toBe("running");
    setClock(-3_600_000);
    letPass(6_000);
    expect(mirror.statusOf(7)).toBeUndefined();
  } finally {
    await mirror.stop();
  }
}, 60_000);
