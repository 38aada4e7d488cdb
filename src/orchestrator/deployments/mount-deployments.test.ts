import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Client, createClient } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import { placeDeployment, placeStarter, unpackUpload, uploadArchive } from "#contract/internal/orchestrator.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import { steadyClock, systemClock } from "#kit/clock.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { QuotaBook } from "../files/quota-book.ts";
import { Deployments } from "./deployments.ts";
import { mountDeployments } from "./mount-deployments.ts";

const claims: GrantClaims = { aud: "orchestrator", sub: "worker", site: "*", verbs: ["site.deploy"], iat: 0, exp: 0 };
const limits = { ...defaultSiteLimits, diskBytes: 2_000_000 };
const spec = {
  siteId: 1,
  name: "one",
  kind: "static",
  availability: "enabled",
  limits,
  environment: {},
  timeZone: "UTC",
  canRunTwice: true,
  egress: "none",
  database: null,
  isTrusted: false,
  revision: 1,
} as const;
let outer: string;
let site: string;
let app: FastifyInstance;
let client: Client;
let deployments: Deployments;
const params = { siteId: 1, uploadId: "upload-1" };
async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return "done";
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}

beforeEach(async () => {
  outer = mkdtempSync(join(tmpdir(), "backlot-mount-"));
  site = join(outer, "site");
  mkdirSync(site);
  const starter = join(outer, "starters/hello");
  mkdirSync(join(starter, "public/css"), { recursive: true });
  for (const [path, content] of Object.entries({
    "starter.json": "{}",
    "run.sh": "exec node",
    tool: "x",
    "public/index.html": "hello",
    "public/css/a.css": "a",
  }))
    writeFileSync(join(starter, path), content);
  chmodSync(join(starter, "tool"), 0o755);
  const sites = { folderOf: () => site, specOf: (id: number) => (id === 1 ? spec : undefined), ownerOf: () => null };
  const quota = new QuotaBook({ sites, clock: steadyClock, reservedBytes: 0 });
  deployments = new Deployments({ sites, quota, clock: systemClock, log: silentLog(), stateFolder: (id) => join(outer, "state", String(id)) });
  app = createServer({ log: silentLog() });
  const starterFolder = (name: string): string => {
    if (name !== "hello") throw new Failure("starter_not_found", { starter: name, starters: ["hello"] });
    return starter;
  };
  mountDeployments(app, async () => claims, { sites, quota, deployments, starterFolder });
  client = createClient({ baseUrl: await app.listen({ port: 0, host: "127.0.0.1" }) });
});
afterEach(async () => {
  await app.close();
  rmSync(outer, { recursive: true });
});

it("what tar makes of a folder is deployed over HTTP, byte for byte", async () => {
  const source = join(outer, "source");
  mkdirSync(join(source, "public/sub"), { recursive: true });
  writeFileSync(join(source, "public/sub/data.bin"), Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256)));
  writeFileSync(join(source, "run.sh"), "exec node");
  symlinkSync("sub/data.bin", join(source, "public/link"));
  const body = new Uint8Array(execFileSync("tar", ["-C", source, "-cz", "."], { maxBuffer: 1e8 }));
  const { size } = await client.call(uploadArchive, { params, body });
  expect(size).toBe(body.length);
  expect(await client.call(unpackUpload, { params })).toEqual({ files: 3, bytes: 70_009 });
  expect(readdirSync(site)).toEqual([]);
  expect(await client.call(placeDeployment, { params })).toEqual({ written: 3, removed: 0 });
  execFileSync("diff", ["-r", "--no-dereference", source, site]);
  expect(lstatSync(join(site, "run.sh")).mode & 0o777).toBe(0o755);
});

it("an upload larger than the site may be is refused while it comes", async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < 20_000_000; sent += 65_536) yield new Uint8Array(65_536);
  }
  expect(await codeOf(client.call(uploadArchive, { params, body: endless() }))).toBe("archive_too_large");
  expect(readdirSync(join(outer, "state/1/uploads"))).toEqual([]);
});

it("a site that is not here has no deployments", async () => {
  const elsewhere = { siteId: 2, uploadId: "upload-1" };
  expect(await codeOf(client.call(uploadArchive, { params: elsewhere, body: "x" }))).toBe("site_not_found");
  expect(await codeOf(client.call(unpackUpload, { params: elsewhere }))).toBe("site_not_found");
  expect(await codeOf(client.call(placeDeployment, { params: elsewhere }))).toBe("site_not_found");
  expect(await codeOf(client.call(placeStarter, { params: { siteId: 2 }, body: { starter: "hello" } }))).toBe("site_not_found");
  expect(readdirSync(outer).toSorted()).toEqual(["site", "starters"]);
});

it("a starter fills an empty site, and spares what is in the way", async () => {
  const place = () => client.call(placeStarter, { params: { siteId: 1 }, body: { starter: "hello" } });
  await place();
  expect(readdirSync(site).toSorted()).toEqual(["public", "run.sh", "tool"]);
  expect([
    lstatSync(join(site, "run.sh")).mode & 0o777,
    lstatSync(join(site, "tool")).mode & 0o777,
    lstatSync(join(site, "public/index.html")).mode & 0o777,
  ]).toEqual([0o755, 0o755, 0o644]);
  writeFileSync(join(site, "public/index.html"), "mine");
  rmSync(join(site, "public/css"), { recursive: true });
  writeFileSync(join(site, "public/css"), "a file in the way");
  rmSync(join(site, "tool"));
  await place();
  expect([
    readFileSync(join(site, "public/index.html"), "utf8"),
    readFileSync(join(site, "public/css"), "utf8"),
    readFileSync(join(site, "tool"), "utf8"),
  ]).toEqual(["mine", "a file in the way", "x"]);
  expect(await codeOf(client.call(placeStarter, { params: { siteId: 1 }, body: { starter: "../hello" } }))).toBe("starter_not_found");
});

it("a site that is deleted leaves nothing of its deployments", async () => {
  await client.call(uploadArchive, { params, body: "not even a tar" });
  await deployments.forget(1);
  await deployments.forget(1);
  expect(readdirSync(join(outer, "state"))).toEqual([]);
});
