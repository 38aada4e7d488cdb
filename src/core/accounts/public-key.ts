import { createHash, createPublicKey } from "node:crypto";
import { Failure } from "#contract/failure.ts";
import { holdsPrivateKey } from "#contract/private-key.ts";

/** A public key as SSH writes it. */
export interface PublicKey {
  readonly algorithm: string;
  readonly bits: number;
  /** As it goes over the wire (RFC 4253, 6.6). */
  readonly blob: Buffer;
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
  /** What stands behind the key in its text. */
  readonly comment: string;
}

const leastRsaBits = 2048;
/** More would cost a verifier seconds. */
const mostRsaBits = 16_384;
const curves: Readonly<Record<string, { readonly name: string; readonly bits: number; readonly jwk: string }>> = {
  "ecdsa-sha2-nistp256": { name: "nistp256", bits: 256, jwk: "P-256" },
  "ecdsa-sha2-nistp384": { name: "nistp384", bits: 384, jwk: "P-384" },
  "ecdsa-sha2-nistp521": { name: "nistp521", bits: 521, jwk: "P-521" },
};

/**
 * Reads a public key as it stands in a .pub file or in authorized_keys.
 * @throws {Failure} `key_private` for a private one, `key_invalid` with what is wrong.
 */
export function parsePublicKey(text: string): PublicKey {
  if (holdsPrivateKey(text)) throw new Failure("key_private");
  if (/BEGIN SSH2 PUBLIC KEY|BEGIN (RSA )?PUBLIC KEY/.test(text))
    throw refused("it is in another format than OpenSSH's. Convert it by `ssh-keygen -i -f FILE` (with -m PKCS8 for a PEM file).");
  const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"));
  if (lines.length === 0) throw refused("there is nothing in it. Paste the one line of the .pub file.");
  if (lines.length > 1) throw refused("there is more than one line. Add one key at a time.");
  const words = (lines[0] ?? "").trim().split(/[ \t]+/);
  const [algorithm = "", base64 = "", ...comment] = words;
  refuseAlgorithm(algorithm);
  if (base64 === "" || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw refused("the part behind the algorithm's name is not base64. Copy the whole line.");
  const blob = Buffer.from(base64, "base64");
  return { ...readBlob(blob, algorithm), comment: comment.join(" ").slice(0, 100) };
}

/**
 * Reads a public key as it goes over the wire.
 * @throws {Failure} `key_invalid`.
 */
export function readBlob(blob: Buffer, expected?: string): Omit<PublicKey, "comment"> {
  const [algorithm = "", ...fields] = fieldsOf(blob).map((field, index) => (index === 0 ? field.toString("latin1") : field));
  if (typeof algorithm !== "string" || (expected !== undefined && algorithm !== expected)) throw refused("its parts do not fit together. Copy the whole line.");
  refuseAlgorithm(algorithm);
  const bits = bitsOf(algorithm, fields.filter(Buffer.isBuffer));
  const fingerprint = `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
  return { algorithm, bits, blob, fingerprint };
}

function refuseAlgorithm(algorithm: string): void {
  if (algorithm === "ssh-ed25519" || algorithm === "ssh-rsa" || Object.hasOwn(curves, algorithm)) return;
  if (algorithm === "ssh-dss") throw refused("DSA keys are not safe any more. Make one by `ssh-keygen -t ed25519`.");
  if (algorithm.startsWith("sk-")) throw refused("keys on security tokens (sk-…) are not understood here yet. Make one by `ssh-keygen -t ed25519`.");
  if (algorithm.includes("-cert-")) throw refused("certificates are not understood here. Paste the public key itself.");
  throw refused("it begins with no algorithm that is known here (ssh-ed25519, ecdsa-sha2-nistp256, -384, -521, ssh-rsa). Paste the one line of the .pub file.");
}

function bitsOf(algorithm: string, fields: readonly Buffer[]): number {
  const [first, second] = fields;
  const curve = curves[algorithm];
  if (curve !== undefined && first !== undefined && second !== undefined && fields.length === 2) return ellipticBits(curve, first, second);
  if (algorithm === "ssh-ed25519" && first?.length === 32 && fields.length === 1) return 256;
  if (algorithm === "ssh-rsa" && first !== undefined && second !== undefined && fields.length === 2) {
    const bits = bitLength(second);
    if (bits < leastRsaBits)
      throw refused(`an RSA key of ${bits} bits is too short: it needs ${leastRsaBits} at least. Make one by \`ssh-keygen -t ed25519\`.`);
    if (bits > mostRsaBits)
      throw refused(`an RSA key of ${bits} bits is longer than ${mostRsaBits}, which is the most here. Make one by \`ssh-keygen -t ed25519\`.`);
    if (bitLength(first) < 2 || bitLength(first) > 64) throw refused("its exponent is not one that is in use. Make one by `ssh-keygen -t ed25519`.");
    return bits;
  }
  throw refused("its parts do not fit together. Copy the whole line.");
}

function ellipticBits(curve: { readonly name: string; readonly bits: number; readonly jwk: string }, name: Buffer, point: Buffer): number {
  const size = Math.ceil(curve.bits / 8);
  if (name.toString("latin1") !== curve.name || point.length !== 1 + 2 * size || point[0] !== 4)
    throw refused("its parts do not fit together. Copy the whole line.");
  const x = point.subarray(1, 1 + size).toString("base64url");
  const y = point.subarray(1 + size).toString("base64url");
  try {
    createPublicKey({ key: { kty: "EC", crv: curve.jwk, x, y }, format: "jwk" });
  } catch (cause) {
    throw refused("it is no point of its curve. Copy the whole line.", cause);
  }
  return curve.bits;
}

function fieldsOf(blob: Buffer): readonly Buffer[] {
  const fields: Buffer[] = [];
  for (let position = 0; position < blob.length; ) {
    const length = position + 4 <= blob.length ? blob.readUInt32BE(position) : Number.POSITIVE_INFINITY;
    if (position + 4 + length > blob.length || fields.length > 8) throw refused("it was cut off. Copy the whole line.");
    fields.push(blob.subarray(position + 4, position + 4 + length));
    position += 4 + length;
  }
  return fields;
}

function bitLength(number: Buffer): number {
  const start = number.findIndex((byte) => byte !== 0);
  if (start === -1) return 0;
  return (number.length - start - 1) * 8 + (32 - Math.clz32(number[start] ?? 0));
}

function refused(reason: string, cause?: unknown): Failure {
  return new Failure("key_invalid", { reason }, cause === undefined ? {} : { cause });
}
