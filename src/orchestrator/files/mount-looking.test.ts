import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createClient } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { searchFiles } from "#contract/internal/files.ts";
import { EpochTable } from "#kit/epochs.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { mountLooking } from "./mount-looking.ts";
import type { SiteShelf } from "./site-shelf.ts";

let folder: string;
let app: FastifyInstance;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backlot-looking-"));
  app = createServer({ log: silentLog() });
  // Of a site's specification only that there is one is looked at.
  const sites = { folderOf: () => folder, specOf: () => ({}), ownerOf: () => null } as unknown as SiteShelf;
  const claims = { aud: "orchestrator", sub: "manager", site: 7, verbs: [], iat: 0, exp: 0 } as const;
  mountLooking(app, async () => ({ ...claims, verbs: [] }), { sites, epochs: new EpochTable() });
});
afterEach(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

it("searches a site once at a time: ten more wait, and who comes then is sent away", async () => {
  writeFileSync(join(folder, "a.txt"), "a needle\n");
  const client = createClient({ baseUrl: await app.listen({ port: 0, host: "127.0.0.1" }) });
  const search = () => client.call(searchFiles, { params: { siteId: 7 }, query: { query: "needle" } });
  const answers = await Promise.allSettled(Array.from({ length: 60 }, search));
  const found = answers.filter(({ status }) => status === "fulfilled").length;
  const refused = answers.filter((each) => each.status === "rejected" && each.reason instanceof Failure && each.reason.code === "rate_limited").length;
  expect(found).toBeGreaterThanOrEqual(11);
  expect(refused).toBeGreaterThan(0);
  expect(found + refused).toBe(60);
  expect((await search()).files.map(({ path }) => path)).toEqual(["a.txt"]);
});
