import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkEdge } from "./edge.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-edge-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A program that says this. */
async function program(name: string, says: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\necho '${says}'\n`);
  await chmod(path, 0o755);
  return path;
}

test("without a setting the router itself is the edge, and what is not there is not missed", async () => {
  const nginx = await program("nginx", "nginx version: nginx/1.22.1");
  expect(await checkEdge({ BACKLOT_HAPROXY: "/nowhere/haproxy", BACKLOT_NGINX: nginx })).toEqual([
    { name: "edge", state: "info", detail: "embedded: visitors' connections come to the router itself" },
    { name: "haproxy", state: "info", detail: "not used, and not installed" },
    { name: "nginx", state: "info", detail: "not used; nginx/1.22.1 is installed" },
  ]);
});

test("HAProxy and nginx that are to be used have to be there", async () => {
  const environment = { BACKLOT_EDGE: "haproxy", BACKLOT_HAPROXY: "/nowhere/haproxy", BACKLOT_NGINX: "false" };
  const lacking = await checkEdge(environment);
  expect(lacking[1]).toMatchObject({ name: "haproxy", state: "missing", detail: "BACKLOT_EDGE is haproxy, and haproxy is not installed" });
  expect(lacking[2]).toMatchObject({ name: "nginx", state: "missing", detail: "BACKLOT_EDGE is haproxy, and nginx does not run: " });
  for (const check of lacking.slice(1)) expect(check).toHaveProperty("advice");
  const haproxy = await program("haproxy", "HAProxy version 2.6.12-1+deb12u3 2025/10/03 - https://haproxy.org/");
  expect(await checkEdge({ ...environment, BACKLOT_HAPROXY: haproxy })).toContainEqual({
    name: "haproxy",
    state: "ok",
    detail: "HAProxy version 2.6.12-1+deb12u3",
  });
  const old = await program("old-haproxy", "HA-Proxy version 2.4.22-0ubuntu0.22.04.3 2023/12/04 - https://haproxy.org/");
  expect(await checkEdge({ ...environment, BACKLOT_HAPROXY: old })).toContainEqual(
    expect.objectContaining({ name: "haproxy", state: "missing", detail: expect.stringContaining("is too old") }),
  );
});
