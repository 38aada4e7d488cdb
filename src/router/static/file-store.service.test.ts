import { mkdirSync, readdirSync, readlinkSync, utimesSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { aRoute, putFile, startRouter, visit } from "../../../test/support/router-harness.ts";
import { FileStore } from "./file-store.ts";

const longAgo = new Date("2026-01-02T03:04:05Z");

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}

test("a file whose name leaves no room for a suffix is served, and closed", async () => {
  await using router = await startRouter({ routes: [aRoute({ siteId: 105, name: "pages", kind: "static" })] });
  const name = `${"n".repeat(250)}.css`;
  await putFile(router, 105, `public/${name}`, "a{}");
  const ask = { host: "pages.localhost", path: `/${name}`, headers: { "accept-encoding": "br, gzip" } };
  for (let index = 0; index < 3; index += 1) expect(await visit(router.door, ask)).toMatchObject({ status: 200, text: "a{}" });
  const left = (): string[] =>
    readdirSync("/proc/self/fd")
      .map(linkOf)
      .filter((link) => link.endsWith(name));
  await expect.poll(left, { timeout: 20_000 }).toEqual([]);
});

test("a place that cannot be looked at is no place where a file is kept, and nothing throws", async () => {
  const root = await mkdtemp(path.join(tmpdir(), "backlot-files-"));
  const target = path.join(root, "public", "a.css");
  mkdirSync(path.dirname(target));
  writeFileSync(target, "a{}");
  utimesSync(target, longAgo, longAgo);
  const files = new FileStore(1_000_000);
  const found = files.find(root, ["a.css"]);
  if (found.kind !== "file" || found.file === null) throw new Error("the file is there");
  const beyond = `${root}/${"d".repeat(300)}`;
  expect(files.mayExist(beyond, ["a.css"])).toBe(false);
  files.keep(beyond, ["a.css"], { ...found, bytes: Buffer.from("a{}"), file: { ...found.file, ctimeMs: 0 } });
  expect(files.cachedBytes).toBe(0);
  found.file[Symbol.dispose]();
  await rm(root, { recursive: true });
});
