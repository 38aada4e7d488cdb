import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keptId } from "./kept-id.ts";

test("an id stays the same, also when several ask for it first at once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "backlot-id-"));
  try {
    const ids = await Promise.all(Array.from({ length: 8 }, () => keptId(folder, "node.json")));
    expect(new Set(ids).size).toBe(1);
    expect(await keptId(folder, "node.json")).toBe(ids[0]);
    expect(await readdir(folder)).toEqual(["node.json"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
