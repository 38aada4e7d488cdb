import { join } from "node:path";
import { expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { ScriptedRuntime } from "../../test/support/scripted-runtime.ts";
import { LiveCapabilities } from "./live-capabilities.ts";

const startersFolder = join(import.meta.dirname, "../../starters");

/** A machine whose engine comes and goes. */
function stage(trouble: string | null) {
  const engine = { trouble, probes: 0 };
  const runtime = {
    cleanUp: async () => 0,
    trouble: async () => engine.trouble,
    probe: async () => {
      engine.probes += 1;
      const found = await new ScriptedRuntime().probe();
      return engine.trouble === null ? found : { ...found, isolates: false, missing: [engine.trouble] };
    },
  };
  const open = () => LiveCapabilities.open({ runtime, interpreters: async () => ({}), startersFolder, log: silentLog() });
  return { engine, open };
}

test("what a machine can do is looked at again when its engine is back, and only then believed", async () => {
  const { engine, open } = stage("The engine does not answer");
  const capabilities = await open();
  expect(capabilities.now).toMatchObject({ isolates: false, missing: ["The engine does not answer"] });
  expect(await capabilities.trouble()).toBe("The engine does not answer");
  engine.trouble = null;
  // Who asks first has it looked at.
  expect(await capabilities.trouble()).toBe("The engine does not answer");
  await expect.poll(() => capabilities.trouble(), { timeout: 20_000 }).toBeNull();
  expect(capabilities.now).toMatchObject({ isolates: true, missing: [] });
  expect(engine.probes).toBe(2);
});

test("an engine that goes later is told at once, and nothing is looked at as long as it is away", async () => {
  const { engine, open } = stage(null);
  const capabilities = await open();
  expect(await capabilities.trouble()).toBeNull();
  engine.trouble = "It has gone";
  expect([await capabilities.trouble(), await capabilities.trouble()]).toEqual(["It has gone", "It has gone"]);
  expect(engine.probes).toBe(1);
});
