import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { componentSecret, readClusterKey, readComponentKey } from "#kit/cluster-key.ts";
import { ConfigError } from "#kit/config.ts";
import { createSigner, createVerifier } from "#kit/grant.ts";
import { titled } from "../../test/support/needs.ts";
import { ensureKeys } from "./keys.ts";

const isRoot = process.getuid?.() === 0;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-keys-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("the keys of an installation", () => {
  it("are made on the first start, readable by their owner alone, and kept after it", async () => {
    const files = await ensureKeys(join(folder, "keys"));
    const modes = await Promise.all(Object.values(files).map(async (file) => (await stat(file)).mode & 0o777));
    expect(modes).toEqual([0o600, 0o600, 0o600, 0o600, 0o600]);
    expect((await stat(join(folder, "keys"))).mode & 0o777).toBe(0o700);
    const before = await Promise.all(Object.values(files).map((file) => readFile(file, "utf8")));
    await ensureKeys(join(folder, "keys"));
    expect(await Promise.all(Object.values(files).map((file) => readFile(file, "utf8")))).toEqual(before);
  });

  it("let the manager's grants through at the router, and the router's at the manager", async () => {
    const files = await ensureKeys(folder);
    const cluster = await readClusterKey(files.cluster);
    const router = await readComponentKey(files.router);
    const fromManager = await (await createSigner(cluster.signingKey)).sign({ aud: "router", sub: "manager", site: "*", verbs: ["route.hold"] });
    expect(await (await createVerifier(router.managerPublicKey))(fromManager)).toMatchObject({ sub: "manager" });
    const fromRouter = await (await createSigner(router.secret)).sign({ aud: "manager", sub: "router", site: "*", verbs: ["route.feed"] });
    expect(await (await createVerifier(componentSecret(cluster, "router")))(fromRouter)).toMatchObject({ sub: "router" });
  });

  it("do not tell a component the cluster's secret or another component's", async () => {
    const files = await ensureKeys(folder);
    const cluster = await readClusterKey(files.cluster);
    const text = await readFile(files.router, "utf8");
    expect(text).not.toContain(cluster.secret);
    expect(text).not.toContain(String(cluster.signingKey.d));
    expect(text).not.toContain((await readFile(files.orchestrator, "utf8")).match(/"secret": "(.*)"/)?.[1]);
  });

  it.each([
    ["half written", '{"signingKey": {"kty": "OKP"'],
    ["empty", ""],
    ["something else", '{"hello": 1}'],
  ])("are never replaced when the file is %s", async (_what, text) => {
    const file = join(folder, "cluster.json");
    await writeFile(file, text);
    await expect(ensureKeys(folder)).rejects.toThrow(ConfigError);
    await expect(ensureKeys(folder)).rejects.toThrow(`The key file ${file} is damaged`);
    expect(await readFile(file, "utf8")).toBe(text);
  });

  it("of a component are made again when they are gone, and refused when they belong to another installation", async () => {
    const files = await ensureKeys(folder);
    const before = await readFile(files.router, "utf8");
    await rm(files.router);
    await ensureKeys(folder);
    expect(await readFile(files.router, "utf8")).toBe(before);
    await rm(files.cluster);
    await expect(ensureKeys(folder)).rejects.toThrow("does not belong to");
  });

  it.skipIf(isRoot)(titled("that cannot be read are an error, not a reason for new ones", isRoot ? "root reads everything" : null), async () => {
    const files = await ensureKeys(folder);
    await chmod(files.cluster, 0);
    await expect(ensureKeys(folder)).rejects.toThrow("cannot be read");
  });
});
