import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Client, createClient } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import * as endpoints from "#contract/internal/files.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { steadyClock } from "#kit/clock.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { openPast, type Past } from "../../../test/support/file-past.ts";
import { titled, whyNotPython } from "../../../test/support/needs.ts";
import { mountFiles } from "./mount-files.ts";
import { QuotaBook } from "./quota-book.ts";

const claims: GrantClaims = { aud: "orchestrator", sub: "manager", site: "*", verbs: ["site.apply"], iat: 0, exp: 0 };
const spec: SiteSpec = {
  siteId: 7,
  name: "seven",
  kind: "static",
  availability: "enabled",
  limits: { ...defaultSiteLimits, fileBytes: 1_000_000, diskBytes: 2_000_000, files: 100 },
  environment: {},
  timeZone: "UTC",
  canRunTwice: true,
  egress: "none",
  database: null,
  isTrusted: false,
  revision: 1,
};

let folder: string;
let app: FastifyInstance;
let address: string;
let client: Client;
let freeBytes: number;
let past: Past;
const inside = (path: string): string => join(folder, path);
const params = { siteId: 7 };
const put = (path: string, body: string | Uint8Array<ArrayBuffer>, query: object = {}) =>
  client.call(endpoints.writeSiteFile, { params, query: { path, ...query }, body });
const get = (path: string, headers: Record<string, string> = {}) => client.fetch(endpoints.readSiteFile, { params, query: { path }, headers });
async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return "done";
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "backlot-files-"));
  freeBytes = 1e12;
  const sites = { folderOf: () => folder, specOf: (id: number) => (id === 7 ? spec : undefined), ownerOf: () => null };
  const quota = new QuotaBook({ sites, clock: steadyClock, reservedBytes: 1000, freeBytes: async () => freeBytes });
  app = createServer({ log: silentLog() });
  past = await openPast(sites);
  mountFiles(app, async () => claims, { sites, quota, ...past });
  address = await app.listen({ port: 0, host: "127.0.0.1" });
  client = createClient({ baseUrl: address });
});
afterEach(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
  await past[Symbol.asyncDispose]();
});

describe("files over HTTP", () => {
  it("are written and read back with their sha256 as entity tag", async () => {
    const written = await put("public/a b.txt", "hello");
    expect(written).toEqual({ created: true, size: 5, sha256: execFileSync("sha256sum", { input: "hello", encoding: "utf8" }).slice(0, 64) });
    const response = await get("public/a b.txt");
    expect([response.status, response.headers.get("etag"), response.headers.get("content-length"), await response.text()]).toEqual([
      200,
      `"${written.sha256}"`,
      "5",
      "hello",
    ]);
    const again = await get("public/a b.txt", { "if-none-match": `"other", W/"${written.sha256}"` });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  it("answer ranges, and 416 with the size when the range lies outside", async () => {
    await put("a.txt", "0123456789");
    const parts = ["bytes=2-4", "bytes=7-", "bytes=-3", "bytes=0-99"];
    const answers = await Promise.all(
      parts.map(async (range) => {
        const response = await get("a.txt", { range });
        return [response.status, response.headers.get("content-range"), await response.text()];
      }),
    );
    expect(answers).toEqual([
      [206, "bytes 2-4/10", "234"],
      [206, "bytes 7-9/10", "789"],
      [206, "bytes 7-9/10", "789"],
      [206, "bytes 0-9/10", "0123456789"],
    ]);
    for (const range of ["bytes=1-2,4-5", "lines=1-2", "bytes=5-2", "bytes=-"]) expect((await get("a.txt", { range })).status).toBe(200);
    const outside = await fetch(`${address}/v1/sites/7/file?path=a.txt`, { headers: { range: "bytes=10-" } });
    expect([outside.status, outside.headers.get("content-range")]).toEqual([416, "bytes */10"]);
    expect((await get("a.txt", { range: "bytes=2-4", "if-range": '"old"' })).status).toBe(200);
  });

  it("guard against lost updates", async () => {
    const { sha256 } = await put("a.txt", "one");
    expect(await codeOf(() => put("a.txt", "two", { absent: true }))).toBe("file_changed");
    expect(await codeOf(() => put("a.txt", "two", { expect: "0".repeat(64) }))).toBe("file_changed");
    expect(await codeOf(() => put("a.txt", "two", { expect: sha256 }))).toBe("done");
  });

  it("are listed, moved, made executable and deleted", async () => {
    await put("run.sh", "exec node");
    await client.call(endpoints.makeFolder, { params, body: { path: "public/img" } });
    await client.call(endpoints.setExecutable, { params, body: { path: "run.sh", executable: true } });
    await client.call(endpoints.moveSitePath, { params, body: { from: "run.sh", to: "public/run.sh" } });
    const { entries } = await client.call(endpoints.listFolder, { params, query: { path: "public" } });
    expect(entries.map(({ name, type, executable }) => [name, type, executable])).toEqual([
      ["img", "folder", false],
      ["run.sh", "file", true],
    ]);
    expect(await codeOf(() => client.call(endpoints.deleteSitePath, { params, query: { path: "public" } }))).toBe("folder_not_empty");
    await client.call(endpoints.deleteSitePath, { params, query: { path: "public", recursive: true } });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("answer with a failure in words for what is not there, not here or not allowed", async () => {
    expect(await codeOf(() => get("none"))).toBe("file_not_found");
    expect(await codeOf(() => get("../x"))).toBe("path_invalid");
    expect(await codeOf(() => client.fetch(endpoints.readArchive, { params, query: { path: "none" } }))).toBe("file_not_found");
    for (const shape of [endpoints.listFolder, endpoints.readArchive, endpoints.readSiteUsage]) {
      expect(await codeOf(() => client.fetch(shape, { params: { siteId: 8 } }))).toBe("site_not_found");
    }
  });
});

describe("uploads", () => {
  it("that end early leave nothing, neither file nor folder", async () => {
    const socket = connect(Number(new URL(address).port), "127.0.0.1");
    socket.write("PUT /v1/sites/7/file?path=new/a.txt HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nhalf");
    await until(() => readdirSync(folder).length > 0);
    socket.destroy();
    await until(() => readdirSync(folder).length === 0);
    expect(existsSync(inside("new"))).toBe(false);
  });

  it("that are too large are refused while they come, and the client reads why", async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; sent < 50_000_000; sent += 65_536) yield new Uint8Array(65_536);
    }
    expect(await codeOf(() => client.call(endpoints.writeSiteFile, { params, query: { path: "big" }, body: endless() }))).toBe("file_too_large");
    expect(await codeOf(() => put("big", new Uint8Array(1_000_001)))).toBe("file_too_large");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("stop at the site's quota of bytes and of files, and go on after something was deleted", async () => {
    const half = new Uint8Array(900_000);
    await put("one", half);
    await put("two", half);
    expect(await codeOf(() => put("three", half))).toBe("quota_exceeded");
    expect(await codeOf(() => put("two", half))).toBe("done");
    expect(readdirSync(folder).toSorted()).toEqual(["one", "two"]);
    await client.call(endpoints.deleteSitePath, { params, query: { path: "one" } });
    expect(await codeOf(() => put("three", half))).toBe("done");
    expect(await client.call(endpoints.readSiteUsage, { params })).toEqual({ bytes: 1_800_000, files: 2 });
    for (let n = 0; n < 98; n += 1) await put(`f${n}`, "");
    expect(await codeOf(() => put("f98", ""))).toBe("quota_exceeded");
    expect(await codeOf(() => client.call(endpoints.makeFolder, { params, body: { path: "folder" } }))).toBe("quota_exceeded");
  });

  it("take what a sparse file that they replace does not have", async () => {
    for (const name of ["one", "two"]) writeFileSync(inside(name), "x".repeat(900_000));
    writeFileSync(inside("sparse"), "");
    truncateSync(inside("sparse"), 900_000);
    expect(await codeOf(() => put("sparse", "x".repeat(900_000)))).toBe("quota_exceeded");
    expect(await codeOf(() => put("one", "y".repeat(900_000)))).toBe("done");
    expect(statSync(inside("sparse")).blocks).toBe(0);
  });

  it("take it all when what they were to replace was moved away meanwhile", async () => {
    for (const name of ["one", "two"]) writeFileSync(inside(name), "x".repeat(900_000));
    const half = Promise.withResolvers<void>();
    const moved = Promise.withResolvers<void>();
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(450_000);
      half.resolve();
      await moved.promise;
      yield new Uint8Array(450_000);
    }
    const held = codeOf(() => client.call(endpoints.writeSiteFile, { params, query: { path: "one" }, body: pieces() }));
    await half.promise;
    await expect.poll(() => readdirSync(folder).filter((name) => name.startsWith(".backlot-tmp-")), { timeout: 20_000 }).toHaveLength(1);
    await client.call(endpoints.moveSitePath, { params, body: { from: "one", to: "three", replace: false } });
    moved.resolve();
    expect(await held).toBe("quota_exceeded");
    expect(readdirSync(folder).toSorted()).toEqual(["three", "two"]);
  });

  it("at the same time share the quota", async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, n) => codeOf(() => put(`f${n}`, new Uint8Array(600_000)))));
    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(3);
    expect(readdirSync(folder)).toHaveLength(3);
  });

  it("leave the reserved floor of the disk alone", async () => {
    freeBytes = 10_000;
    expect(await codeOf(() => put("a", new Uint8Array(9_500)))).toBe("disk_full");
    expect(await codeOf(() => put("a", new Uint8Array(8_500)))).toBe("done");
    expect(await codeOf(() => put("b", new Uint8Array(8_500)))).toBe("disk_full");
    expect(readdirSync(folder)).toEqual(["a"]);
  });
});

describe("the archive of a folder", () => {
  it.skipIf(whyNotPython() !== null)(
    titled("is a zip that Python reads: files, empty folders, executables and links; no pipes, nothing outside", whyNotPython()),
    async () => {
      mkdirSync(inside("public/empty"), { recursive: true });
      writeFileSync(inside("public/größe.txt"), "text");
      writeFileSync(inside("public/large"), "x".repeat(500_000));
      writeFileSync(inside("run.sh"), "");
      chmodSync(inside("run.sh"), 0o755);
      symlinkSync("/etc/passwd", inside("public/link"));
      execFileSync("mkfifo", [inside("pipe")]);
      writeFileSync(inside(".backlot-tmp-x"), "hidden");
      const response = await client.fetch(endpoints.readArchive, { params });
      const file = join(tmpdir(), `backlot-${process.pid}.zip`);
      writeFileSync(file, Buffer.from(await response.arrayBuffer()));
      const script =
        "import zipfile,sys,json\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint(json.dumps({i.filename:[i.file_size,oct(i.external_attr>>16)] for i in z.infolist()}))\nassert z.read('public/link')==b'/etc/passwd'";
      const listed: unknown = JSON.parse(execFileSync("python3", ["-c", script, file], { encoding: "utf8" }));
      rmSync(file);
      expect(listed).toEqual({
        "public/": [0, "0o40755"],
        "public/empty/": [0, "0o40755"],
        "public/größe.txt": [4, "0o100644"],
        "public/large": [500_000, "0o100644"],
        "public/link": [11, "0o120777"],
        "run.sh": [0, "0o100755"],
      });
    },
  );

  it("closes every file when its reader goes away in the middle", async () => {
    for (let n = 0; n < 5; n += 1) writeFileSync(inside(`f${n}`), randomBytes(3_000_000));
    const ours = (): string[] => readdirSync("/proc/self/fd").filter((fd) => linkOf(fd).startsWith(folder));
    const controller = new AbortController();
    const response = await client.fetch(endpoints.readArchive, { params, signal: controller.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    expect(ours().length).toBeGreaterThan(0);
    controller.abort();
    await until(() => ours().length === 0);
  });
});

it("a file that is being read keeps its announced length even when it grows, and breaks off when it shrinks", async () => {
  writeFileSync(inside("log"), "x".repeat(900_000));
  const response = await get("log");
  writeFileSync(inside("log"), "");
  await expect(response.text()).rejects.toThrow();
  expect(statSync(inside("log")).size).toBe(0);
  expect(readFileSync(inside("log"), "utf8")).toBe("");
});

function linkOf(fd: string): string {
  try {
    return execFileSync("readlink", [`/proc/${process.pid}/fd/${fd}`], { encoding: "utf8" });
  } catch {
    return "";
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await once(AbortSignal.timeout(5), "abort");
}
