import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import type { Failure } from "#contract/failure.ts";
import { parsePublicKey } from "./public-key.ts";

const field = (part: Buffer | string): Buffer => {
  const bytes = Buffer.from(part);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const line = (algorithm: string, ...fields: readonly (Buffer | string)[]): string =>
  `${algorithm} ${Buffer.concat([algorithm, ...fields].map(field)).toString("base64")} ada@laptop`;
const rsa = (bits: number): string => {
  const { n = "", e = "" } = generateKeyPairSync("rsa", { modulusLength: bits }).publicKey.export({ format: "jwk" });
  return line("ssh-rsa", Buffer.from(e, "base64url"), Buffer.concat([Buffer.from([0]), Buffer.from(n, "base64url")]));
};
const refusal = (text: string): string => {
  try {
    parsePublicKey(text);
    return "";
  } catch (error) {
    return `${(error as Failure).code}: ${(error as Failure).message}`;
  }
};
// Made by `ssh-keygen -t ed25519`; its fingerprint is what `ssh-keygen -l` says of it.
const known = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILSUeULb3keCduTsX1dDEG8mLSjGE3hjBOa6kr7NojTd ada@laptop, old one";

test("a key of each kind is read with its size and comment, and with the fingerprint that ssh-keygen shows", () => {
  expect(parsePublicKey(`\n${known}\r\n`)).toMatchObject({ algorithm: "ssh-ed25519", bits: 256, comment: "ada@laptop, old one" });
  expect(parsePublicKey(known).fingerprint).toBe("SHA256:+pssd6biKiwB81cNYQHkUCIHFCr5sQbAASEW3rTylh0");
  expect(parsePublicKey(rsa(2048))).toMatchObject({ algorithm: "ssh-rsa", bits: 2048 });
  for (const [name, curve, bits] of [
    ["nistp256", "P-256", 256],
    ["nistp384", "P-384", 384],
    ["nistp521", "P-521", 521],
  ] as const) {
    const { x = "", y = "" } = generateKeyPairSync("ec", { namedCurve: curve }).publicKey.export({ format: "jwk" });
    const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
    const text = line(`ecdsa-sha2-${name}`, name, point);
    expect(parsePublicKey(text)).toMatchObject({ algorithm: `ecdsa-sha2-${name}`, bits });
    expect(refusal(line(`ecdsa-sha2-${name}`, name, Buffer.concat([Buffer.from([4]), Buffer.alloc(point.length - 1, 7)])))).toContain("no point of its curve");
  }
});

test.each([
  ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb\n-----END OPENSSH PRIVATE KEY-----", "key_private"],
  ["PuTTY-User-Key-File-3: ssh-ed25519", "key_private"],
  ["---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nb3Blb\n---- END SSH2 ENCRYPTED PRIVATE KEY ----", "key_private"],
  ["", "there is nothing in it"],
  [`${known}\n${known}`, "more than one line"],
  [line("ssh-dss", "p", "q"), "DSA keys are not safe"],
  [line("sk-ssh-ed25519@openssh.com", "x"), "security tokens"],
  [line("ssh-ed25519-cert-v01@openssh.com", "x"), "certificates"],
  ["---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n", "another format"],
  ["hello world", "no algorithm that is known"],
  ["ssh-ed25519 !!!!", "not base64"],
  [known.slice(0, 60), "cut off"],
  [known.replace("ssh-ed25519 ", "ssh-rsa "), "do not fit together"],
  [line("ssh-ed25519", Buffer.alloc(31)), "do not fit together"],
])("%j is refused in words", (text, words) => {
  expect(refusal(text)).toContain(words);
});

test("an RSA key that is too short is refused with its length", () => {
  expect(refusal(rsa(1024))).toContain("an RSA key of 1024 bits is too short");
});
