import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const folder = join(import.meta.dirname, "..", "bench");
const refused = spawnSync(process.execPath, [join(folder, "run.ts"), "nonsense"], { encoding: "utf8" });
const names = /Choose some of: (.*)\.\n$/.exec(refused.stderr)?.[1]?.split(", ") ?? [];

describe("npm run bench", () => {
  test("refuses a benchmark that it does not have, and names those that it has", () => {
    expect([refused.status, refused.stdout]).toEqual([2, ""]);
    expect(names).toEqual(expect.arrayContaining(["router", "wake", "create", "memory", "start", "tasks", "edge", "cache", "swarm"]));
  });

  test.each(names)("can load the benchmark called %s", async (name) => {
    const path = join(folder, `${name}.ts`);
    expect(existsSync(path)).toBe(true);
    expect(await import(path)).toEqual(expect.objectContaining({ run: expect.any(Function) }));
  });
});
