import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rabbitmqMissing, startRabbitmq, type TestRabbitmq } from "../../../test/support/rabbitmq.ts";
import { checkBroker } from "./broker.ts";

describe("the doctor's look at the broker", () => {
  it("is content without one", async () => {
    expect(await checkBroker({})).toEqual({ name: "rabbitmq", state: "info", detail: "not used: tasks are announced by the database" });
  });

  it("says why an address does not work, without saying the password", async () => {
    const unreachable = await checkBroker({ AMQP_URL: "amqp://backlot:open-sesame@127.0.0.1:1" });
    expect(unreachable).toMatchObject({ state: "limited", detail: "AMQP_URL is set, but: connect ECONNREFUSED 127.0.0.1:1" });
    const wrong = await checkBroker({ AMQP_URL: "http://backlot:open-sesame@127.0.0.1" });
    expect(wrong).toMatchObject({ state: "limited" });
    const unreadable = await checkBroker({ AMQP_URL_FILE: "/nowhere/at/all" });
    expect(unreadable.detail).toContain("/nowhere/at/all");
    expect(JSON.stringify([unreachable, wrong])).not.toContain("open-sesame");
  });

  const missing = rabbitmqMissing();
  describe.skipIf(missing !== null)(`with a real broker${missing === null ? "" : ` (${missing})`}`, () => {
    let broker: TestRabbitmq;
    let folder: string;
    beforeAll(async () => {
      broker = await startRabbitmq();
      folder = await mkdtemp(join(tmpdir(), "backlot-doctor-"));
    });
    afterAll(async () => {
      await broker?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    it("is let in, also by an address that stands in a file", async () => {
      const file = join(folder, "amqp-url");
      await writeFile(file, `${broker.url}\n`);
      expect(await checkBroker({ AMQP_URL: broker.url })).toMatchObject({ state: "ok" });
      expect(await checkBroker({ AMQP_URL_FILE: file })).toMatchObject({ state: "ok" });
    });

    it("says when it is not let in", async () => {
      const refused = await checkBroker({ AMQP_URL: broker.url.replace("guest:guest", "guest:open-sesame") });
      expect(refused.state).toBe("limited");
      expect(refused.detail).toContain("ACCESS_REFUSED");
      expect(refused.detail).not.toContain("open-sesame");
    });
  });
});
