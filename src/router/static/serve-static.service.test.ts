import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ask, aRoute, putFile, type Reply, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { until } from "../../../test/support/site-program.ts";

let router: RouterHarness;
const siteId = 105;
const host = "pages.localhost";
const large = randomBytes(3_000_000);
const past = new Date("2026-01-02T03:04:05Z");

const get = (at: string, ask: Partial<Ask> = {}): Promise<Reply> => visit(router.door, { host, path: at, ...ask });
/** Puts a file below public/ as if it had been there for long, so that it may be kept in memory. */
const put = async (file: string, content: string | Uint8Array): Promise<string> => {
  const target = await putFile(router, siteId, `public/${file}`, content);
  await utimes(target, past, past);
  return target;
};

/** A file that was written within the last tenth of a second is not kept in memory: waits until this one is older by what the disk says of it. */
const untilKept = (file: string): Promise<void> =>
  until(() => {
    const { mtimeMs, ctimeMs } = statSync(file);
    return Date.now() - Math.max(mtimeMs, ctimeMs) >= 100;
  }, `${file} is old enough to be kept`);

beforeAll(async () => {
  router = await startRouter({ routes: [aRoute({ siteId, name: "pages", kind: "static" }), aRoute({ siteId: 106, name: "bare", kind: "static" })] });
  await put("index.html", "<h1>home</h1>");
  await put("docs/index.html", "docs");
  await put("small.bin", Buffer.from(Array.from({ length: 256 }, (_, index) => index)));
  await put("docs/a b ü.txt", "named");
  await put("large.bin", large);
  await put(".env", "secret");
  await put(".well-known/security.txt", "contact");
  await untilKept(await putFile(router, siteId, "private/secret.txt", "secret"));
});
afterAll(async () => {
  await router[Symbol.asyncDispose]();
});

test("a file comes with its type, length, tag and date", async () => {
  const reply = await get("/index.html");
  expect(reply.text).toBe("<h1>home</h1>");
  expect(reply.headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "content-length": "13",
    "last-modified": "Fri, 02 Jan 2026 03:04:05 GMT",
    "accept-ranges": "bytes",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  });
  expect(reply.headers.etag).toMatch(/^"[\w-]+"$/);
});

test("a folder is its index.html, and its address gets its slash", async () => {
  expect((await get("/")).text).toBe("<h1>home</h1>");
  expect((await get("/docs/")).text).toBe("docs");
  const reply = await get("/docs?a=b");
  expect([reply.status, reply.headers.location]).toEqual([301, "/docs/?a=b"]);
});

test("names are decoded once", async () => {
  expect((await get("/docs/a%20b%20%C3%BC.txt")).text).toBe("named");
  expect((await get("/docs/a%2520b.txt")).status).toBe(404);
});

test("HEAD tells everything but the bytes", async () => {
  const reply = await get("/large.bin", { method: "HEAD" });
  expect([reply.status, reply.headers["content-length"], reply.body.length]).toEqual([200, "3000000", 0]);
});

test("a browser that has the file hears 304, from memory and from disk", async () => {
  for (const file of ["/index.html", "/large.bin"]) {
    const { etag = "" } = (await get(file)).headers;
    const again = await get(file, { headers: { "if-none-match": etag } });
    expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, etag]);
    expect((await get(file, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
    expect((await get(file, { headers: { "if-modified-since": "Fri, 02 Jan 2026 03:04:05 GMT" } })).status).toBe(304);
  }
});

test("a large file comes whole, and in any part", async () => {
  expect((await get("/large.bin")).body.equals(large)).toBe(true);
  const middle = await get("/large.bin", { headers: { range: "bytes=1000000-2000000" } });
  expect([middle.status, middle.headers["content-range"], middle.headers["content-length"]]).toEqual([206, "bytes 1000000-2000000/3000000", "1000001"]);
  expect(middle.body.equals(large.subarray(1_000_000, 2_000_001))).toBe(true);
  const tail = await get("/large.bin", { headers: { range: "bytes=-5" } });
  expect(tail.body.equals(large.subarray(-5))).toBe(true);
  const small = await get("/index.html", { headers: { range: "bytes=4-7" } });
  expect([small.status, small.text]).toEqual([206, "home"]);
});

test("a small file of every byte value comes as it is, from disk and from memory", async () => {
  for (let round = 0; round < 3; round += 1) expect([...(await get("/small.bin")).body]).toEqual(Array.from({ length: 256 }, (_, index) => index));
});

test("a part that is not there, a changed file and several parts", async () => {
  const beyond = await get("/large.bin", { headers: { range: "bytes=3000000-" } });
  expect([beyond.status, beyond.headers["content-range"]]).toEqual([416, "bytes */3000000"]);
  expect((await get("/large.bin", { headers: { range: "bytes=0-4", "if-range": '"older"' } })).status).toBe(200);
  expect((await get("/large.bin", { headers: { range: "bytes=0-4,10-14" } })).status).toBe(200);
});

test("a compressed neighbour goes to those who take it, unless it is older than its original", async () => {
  await put("app.js", "let a = 1;");
  const zipped = await put("app.js.gz", gzipSync("let a = 1;"));
  const reply = await get("/app.js", { headers: { "accept-encoding": "gzip, br" } });
  expect([reply.headers["content-encoding"], reply.headers["content-type"], reply.headers.vary]).toEqual([
    "gzip",
    "text/javascript; charset=utf-8",
    "Accept-Encoding",
  ]);
  expect(reply.body.equals(gzipSync("let a = 1;"))).toBe(true);
  const plain = await get("/app.js");
  expect([plain.headers["content-encoding"], plain.headers.vary, plain.text]).toEqual([undefined, "Accept-Encoding", "let a = 1;"]);
  expect(plain.headers.etag).not.toBe(reply.headers.etag);
  await utimes(zipped, new Date(past.getTime() - 1000), new Date(past.getTime() - 1000));
  expect((await get("/app.js", { headers: { "accept-encoding": "gzip" } })).headers["content-encoding"]).toBeUndefined();
});

test("what is not there is 404, by the site's own page when it has one", async () => {
  const reply = await visit(router.door, { host: "bare.localhost", path: "/nothing", headers: { accept: "text/html" } });
  expect([reply.status, reply.headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
  expect(reply.text).toContain("There is no such page");
  await put("404.html", "<p>ours</p>");
  const own = await get("/nothing");
  expect([own.status, own.text]).toEqual([404, "<p>ours</p>"]);
  expect((await get("/index.html/")).status).toBe(404);
  expect((await get("/docs/index.html/more")).status).toBe(404);
});

test("files that begin with a dot are nobody's business, but for .well-known", async () => {
  for (const hidden of ["/.env", "/%2Eenv", "/docs/../.env", "/.well-known/../.env", "/.git/config"]) {
    const reply = await get(hidden);
    expect([400, 404]).toContain(reply.status);
    expect(reply.text).not.toContain("secret");
  }
  expect((await get("/.well-known/security.txt")).text).toBe("contact");
});

test.each([
  "/..%2fprivate/secret.txt",
  "/../private/secret.txt",
  "/%2e%2e/private/secret.txt",
  "/docs%2findex.html",
  "/a%00b",
  "/..\\private\\secret.txt",
  "/%5c..%5cprivate",
  "//etc/passwd",
  "/%ff",
])("the path %s is refused in words", async (at) => {
  const reply = await get(at);
  expect([reply.status, JSON.parse(reply.text).code]).toEqual([400, "path_invalid"]);
});

test("links are followed inside public only", async () => {
  const folder = path.dirname(await put("linked/target.txt", "inside"));
  await symlink("target.txt", path.join(folder, "in.txt"));
  await symlink("../../private/secret.txt", path.join(folder, "out.txt"));
  await symlink("/etc/passwd", path.join(folder, "far.txt"));
  await symlink("../../private", path.join(folder, "folder"));
  await symlink("loop", path.join(folder, "loop"));
  expect((await get("/linked/in.txt")).text).toBe("inside");
  for (const out of ["out.txt", "far.txt", "folder/secret.txt", "loop"]) expect((await get(`/linked/${out}`)).status, out).toBe(404);
});

test("a folder that is swapped for a link out is noticed although its files are in memory", async () => {
  const page = await put("swapped/page.html", "public");
  const folder = path.dirname(page);
  const same = path.join(router.data, "sites/01/05/private/swapped");
  await untilKept(page);
  expect((await get("/swapped/page.html")).text).toBe("public");
  expect((await get("/swapped/page.html")).text).toBe("public");
  // The same file at a place that visitors may not see: only the way to it is another.
  await rename(folder, same);
  await symlink("../private/swapped", folder);
  expect((await get("/swapped/page.html")).status).toBe(404);
});

test("a pipe, and a folder without an index, are not there", async () => {
  const folder = path.dirname(await put("odd/x.txt", "x"));
  execFileSync("mkfifo", [path.join(folder, "pipe.txt")]);
  expect((await get("/odd/pipe.txt")).status).toBe(404);
  expect((await get("/odd/")).status).toBe(404);
});

test("an edit is seen by the next request, a hundred times over", async () => {
  const target = await put("edited.txt", "start");
  for (let round = 0; round < 100; round += 1) {
    if (round % 10 === 0) {
      await untilKept(target);
      await get("/edited.txt");
    }
    // Half of the edits replace the file, half write into it, always at the same length.
    const content = `round ${String(round).padStart(4, "0")}`;
    if (round % 2 === 0) await writeFile(target, content);
    else {
      await writeFile(`${target}.new`, content);
      await rename(`${target}.new`, target);
    }
    expect((await get("/edited.txt")).text).toBe(content);
  }
  await rm(target);
  expect((await get("/edited.txt")).status).toBe(404);
});

test("only GET and HEAD are for files", async () => {
  const reply = await get("/index.html", { method: "POST", body: "x".repeat(100_000) });
  expect([reply.status, reply.headers.allow]).toEqual([405, "GET, HEAD"]);
});

test("files beyond the cache's size are served all the same", async () => {
  await mkdir(path.join(router.data, "sites/01/05/public/many"), { recursive: true });
  for (let index = 0; index < 200; index += 1) await put(`many/${index}.bin`, Buffer.alloc(250_000, index));
  for (let index = 0; index < 200; index += 1) expect((await get(`/many/${index}.bin`)).body[0]).toBe(index);
  const metrics = await fetch(`${router.adminDoor}/metrics`).then((reply) => reply.text());
  const cached = Number(/backlot_router_static_cache_bytes (\d+)/.exec(metrics)?.[1]);
  expect(cached).toBeGreaterThan(1_000_000);
  expect(cached).toBeLessThanOrEqual(33_554_432);
});
