import { createHash, generateKeyPairSync, sign } from "node:crypto";
import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { provenKey } from "./door-sign-in.ts";

const field = (part: Buffer | string): Buffer => {
  const bytes = Buffer.from(part);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const pair = generateKeyPairSync("ed25519");
const key = Buffer.concat([field("ssh-ed25519"), field(Buffer.from(pair.publicKey.export({ format: "jwk" }).x ?? "", "base64url"))]);
const request = (change: { account?: string; service?: string; method?: string; algorithm?: string; kind?: number; key?: Buffer } = {}): Buffer =>
  Buffer.concat([
    field(Buffer.alloc(32, 1)),
    Buffer.from([change.kind ?? 50]),
    field(change.account ?? "ada/clock"),
    field(change.service ?? "ssh-connection"),
    field(change.method ?? "publickey"),
    Buffer.from([1]),
    field(change.algorithm ?? "ssh-ed25519"),
    field(change.key ?? key),
  ]);
const proof = (signed: Buffer, signature = sign(null, signed, pair.privateKey)) => ({
  account: "ada/clock",
  username: "ada",
  key,
  signed,
  signature,
  address: "127.0.0.1",
});

test("a request to sign in that was signed with the key proves it", () => {
  const fingerprint = createHash("sha256").update(key).digest("base64").replace(/=+$/, "");
  expect(provenKey(proof(request()))).toBe(`SHA256:${fingerprint}`);
});

test("nothing else that the key signed is of use to a door", () => {
  for (const change of [
    { account: "ada" },
    { account: "eve/clock" },
    { service: "ssh-userauth" },
    { method: "hostbased" },
    { kind: 51 },
    { algorithm: "ssh-rsa" },
    { key: Buffer.from("x") },
  ])
    expect(provenKey(proof(request(change)))).toBeNull();
  expect(provenKey(proof(Buffer.concat([request(), Buffer.from("more")])))).toBeNull();
  expect(provenKey(proof(Buffer.from("SSHSIG, a commit of Git")))).toBeNull();
});

test("a signature of somebody else, or one that was changed, proves nothing", () => {
  const other = generateKeyPairSync("ed25519");
  expect(provenKey(proof(request(), sign(null, request(), other.privateKey)))).toBeNull();
  const changed = sign(null, request(), pair.privateKey);
  changed[0] = (changed[0] ?? 0) ^ 1;
  expect(provenKey(proof(request(), changed))).toBeNull();
  expect(provenKey(proof(request(), Buffer.alloc(0)))).toBeNull();
});

test("an RSA key proves itself by SHA-2, never by SHA-1", () => {
  const made = ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 });
  const parsed = ssh2.utils.parseKey(made.private);
  if (parsed instanceof Error || Array.isArray(parsed)) throw new Error("no key");
  const blob = parsed.getPublicSSH();
  const ask = (algorithm: string, hash: string): string | null => {
    const signed = request({ algorithm, key: blob });
    return provenKey({ ...proof(signed), key: blob, signature: sign(hash, signed, parsed.getPrivatePEM()) });
  };
  expect(ask("rsa-sha2-256", "sha256")).toMatch(/^SHA256:/);
  expect(ask("rsa-sha2-512", "sha512")).toMatch(/^SHA256:/);
  expect(ask("ssh-rsa", "sha1")).toBeNull();
  expect(ask("rsa-sha2-512", "sha256")).toBeNull();
});
