import { writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { applySite, readSiteStatus, wakeSite } from "#contract/internal/orchestrator.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import { makeOrchestratorHome, specOf, startOrchestratorUnderTest } from "../../test/support/orchestrator-under-test.ts";

const siteId = 3;
const params = { siteId };

it("stops a program that fills its site while it starts, and never listens", async () => {
  await using home = await makeOrchestratorHome({ BACKLOT_QUOTA_WATCH_MS: "100", BACKLOT_SITE_BOOT_MS: "600000" });
  await using orchestrator = await startOrchestratorUnderTest(home);
  const { client, runtime } = orchestrator;
  await client.call(applySite, { params, body: specOf(siteId, { limits: { ...defaultSiteLimits, diskBytes: 1_000_000 } }) });
  await writeFile(join(home.folderOf(siteId), "run.sh"), "exec a-server\n");
  runtime.script = () => writeFileSync(join(home.folderOf(siteId), "public/large"), Buffer.alloc(2_000_000));
  await expect(client.call(wakeSite, { params })).rejects.toMatchObject({ code: "quota_exceeded" });
  expect([runtime.started.length, runtime.running.length]).toEqual([1, 0]);
  await expect(client.call(wakeSite, { params })).rejects.toMatchObject({ code: "quota_exceeded" });
  expect((await client.call(readSiteStatus, { params })).state).toBe("stopped");
  expect(runtime.started.length).toBe(1);
});
