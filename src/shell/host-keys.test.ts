import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeReadable, openHostKeys } from "./host-keys.ts";

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "backlot-host-keys-")), "ssh");
});
afterEach(() => rm(join(folder, ".."), { recursive: true }));

test("they are made once, for their owner alone, and kept; two that start at once have the same", async () => {
  const [first, second] = await Promise.all([openHostKeys(folder), openHostKeys(folder)]);
  expect(first).toEqual(second);
  expect(first.map(({ algorithm }) => algorithm)).toEqual(["ssh-ed25519", "ecdsa-sha2-nistp256"]);
  expect(await openHostKeys(folder)).toEqual(first);
  expect((await readdir(folder)).sort()).toEqual(["host_ecdsa", "host_ed25519"]);
  for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
});

test("one that is damaged is not replaced in silence", async () => {
  await openHostKeys(folder);
  const path = join(folder, "host_ed25519");
  await writeFile(path, (await readFile(path, "utf8")).slice(0, 100));
  await expect(openHostKeys(folder)).rejects.toThrow("is damaged");
});

test("a new key that cannot be read is made again", () => {
  const sound = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }).private;
  const made = ["-----BEGIN OPENSSH PRIVATE KEY-----\nbroken\n-----END OPENSSH PRIVATE KEY-----\n", sound];
  expect(makeReadable(() => ({ private: made.shift() ?? "" }))).toBe(sound);
});
