// Signing in at the SSH door by key: what others try refuses nobody who has a right one.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Client, createClient } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { openDoor, openDoorByKey } from "#contract/internal/doors.ts";
import { componentSecret } from "#kit/cluster-key.ts";
import { createSigner } from "#kit/grant.ts";
import { type ManagerBench, startManagerBench } from "../../../test/support/manager-bench.ts";

// Each try is several questions to a real database, and there are many of them.
vi.setConfig({ testTimeout: 240_000 });

let bench: ManagerBench;
let door: Client;
let own: SshPair;

interface SshPair {
  readonly blob: Buffer;
  readonly secret: KeyObject;
}

beforeAll(async () => {
  bench = await startManagerBench();
  const signer = await createSigner(componentSecret(bench.key, "shell"));
  door = createClient({ baseUrl: bench.url, token: () => signer.sign({ aud: "manager", sub: "shell", site: "*", verbs: ["door.open"] }) });
  await bench.person("ada");
  own = newPair();
  const added = await bench.request("/api/v1/keys", { method: "POST", as: "ada", json: { key: `ssh-ed25519 ${own.blob.toString("base64")} ada@laptop` } });
  expect(added.status).toBe(201);
});
afterAll(() => bench[Symbol.asyncDispose]());

function field(part: Buffer | string): Buffer {
  const bytes = Buffer.from(part);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function newPair(): SshPair {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { blob: Buffer.concat([field("ssh-ed25519"), field(Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"))]), secret: privateKey };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: unknown) => (error instanceof Failure ? error.code : String(error)),
  );
}

/** What a client that has this key is answered; `forged` signs with another one. */
function byKey(account: string, { blob, secret }: SshPair, given: { readonly address: string; readonly forged?: boolean }): Promise<string> {
  const parts = [field(Buffer.alloc(32, 1)), Buffer.from([50]), ...["x", "ssh-connection", "publickey"].map((text) => field(text === "x" ? account : text))];
  const signed = Buffer.concat([...parts, Buffer.from([1]), field("ssh-ed25519"), field(blob)]);
  const signature = sign(null, signed, given.forged === true ? newPair().secret : secret);
  const body = { account, key: blob.toString("base64"), signed: signed.toString("base64"), signature: signature.toString("base64"), address: given.address };
  return codeOf(door.call(openDoorByKey, { body }));
}

const byPassword = (username: string, password: string, address: string): Promise<string> =>
  codeOf(door.call(openDoor, { body: { username, password, site: null, door: "ssh", address } }));

async function failuresAt(address: string): Promise<number> {
  const { entries } = (await (await bench.request("/api/v1/audit?limit=200", { as: "admin" })).json()) as { entries: Record<string, unknown>[] };
  return entries.filter((entry) => entry.action === "session.failed" && entry.address === address).length;
}

test("as many keys as an agent holds cost nothing, more are slowed down, and neither keeps out who has a right one", async () => {
  const address = "198.51.100.1";
  const codes: string[] = [];
  for (let number = 0; number < 22; number += 1) codes.push(await byKey("ada", newPair(), { address }));
  expect(codes).toEqual([...Array.from({ length: 20 }, () => "credentials_wrong"), "too_many_attempts", "too_many_attempts"]);
  expect(await byPassword("ada", "a password", address)).toBe("done");
  expect(await byKey("ada", own, { address })).toBe("done");
  // One entry for all of them: the trail is no list of what an agent holds.
  expect(await failuresAt(address)).toBe(1);
});

test("where an account signs in from its agent may offer its keys at every connection", async () => {
  const address = "198.51.100.2";
  for (let connection = 0; connection < 5; connection += 1) {
    for (let number = 0; number < 6; number += 1) expect(await byKey("ada", newPair(), { address })).toBe("credentials_wrong");
    expect(await byKey("ada", own, { address })).toBe("done");
  }
});

test("a signature that is not the key's counts as a wrong password does, and keeps nobody out who has the key", async () => {
  const address = "198.51.100.3";
  const codes: string[] = [];
  for (let number = 0; number < 6; number += 1) codes.push(await byKey("ada", own, { address, forged: true }));
  expect(codes).toEqual([...Array.from({ length: 5 }, () => "credentials_wrong"), "too_many_attempts"]);
  expect(await byPassword("ada", "a password", address)).toBe("too_many_attempts");
  expect(await byKey("ada", own, { address })).toBe("done");
});

test("an administrator gets in by key and by password while strangers guess at the account", async () => {
  const pair = newPair();
  await bench.request("/api/v1/keys", { method: "POST", as: "admin", json: { key: `ssh-ed25519 ${pair.blob.toString("base64")}` } });
  const home = "198.51.100.4";
  expect(await byKey("admin", pair, { address: home })).toBe("done");
  await Promise.all(Array.from({ length: 32 }, (_, number) => byPassword("admin", "guess", `203.0.113.${number}`)));
  expect(await byKey("admin", pair, { address: "198.51.100.5" })).toBe("done");
  expect(await byPassword("admin", "correct horse battery", home)).toBe("done");
});
