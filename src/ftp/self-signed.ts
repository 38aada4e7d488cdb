// Node reads certificates and makes none, and a program for it (openssl) is not on every machine: the little of X.509 (RFC 5280) and DER that it takes.
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** Both as PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly certificate: string;
}

/** What a certificate says. */
export interface SelfSigned {
  /** The subject, at most 64 characters. */
  readonly name: string;
  readonly hosts: readonly string[];
  /** 4 bytes each, or 16. */
  readonly addresses: readonly Buffer[];
  readonly from: Date;
  readonly until: Date;
}

const tags = { boolean: 0x01, integer: 0x02, bits: 0x03, bytes: 0x04, text: 0x0c, utcTime: 0x17, longTime: 0x18, sequence: 0x30, set: 0x31 } as const;
/** Object identifiers, as they are encoded. */
const ids = {
  ecdsaWithSha256: Buffer.from("06082a8648ce3d040302", "hex"),
  commonName: Buffer.from("0603550403", "hex"),
  subjectKey: Buffer.from("0603551d0e", "hex"),
  alternativeNames: Buffer.from("0603551d11", "hex"),
  constraints: Buffer.from("0603551d13", "hex"),
} as const;

/** A new key on the curve P-256, and a certificate that it has signed itself. */
export function makeSelfSigned(given: SelfSigned): KeyAndCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const name = sequence(der(tags.set, sequence(ids.commonName, der(tags.text, Buffer.from(given.name)))));
  const algorithm = sequence(ids.ecdsaWithSha256);
  // A number that is positive, and does not begin with a zero byte.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = sequence(
    der(0xa0, der(tags.integer, Buffer.from([2]))),
    der(tags.integer, serial),
    algorithm,
    name,
    sequence(time(given.from), time(given.until)),
    name,
    spki,
    der(0xa3, sequence(...extensions(given, spki))),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = sequence(body, algorithm, der(tags.bits, Buffer.from([0]), signature));
  return { key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), certificate: pem("CERTIFICATE", certificate) };
}

function extensions({ hosts, addresses }: SelfSigned, spki: Buffer): readonly Buffer[] {
  const isTrue = der(tags.boolean, Buffer.from([0xff]));
  const names = [...hosts.map((host) => der(0x82, Buffer.from(host))), ...addresses.map((address) => der(0x87, address))];
  // A trust store takes what vouches for itself as an authority.
  return [
    sequence(ids.constraints, isTrue, der(tags.bytes, sequence(isTrue))),
    sequence(ids.subjectKey, der(tags.bytes, der(tags.bytes, createHash("sha1").update(spki).digest()))),
    sequence(ids.alternativeNames, der(tags.bytes, sequence(...names))),
  ];
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(tags.sequence, ...parts);
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = Buffer.from([content.length >> 8, content.length & 0xff]).subarray(content.length < 0x100 ? 1 : 0);
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}

/** Two digits of the year up to 2049, as the standard wants it. */
function time(moment: Date): Buffer {
  const digits = `${moment.toISOString().replace(/\D/g, "").slice(0, 14)}Z`;
  return moment.getUTCFullYear() < 2050 ? der(tags.utcTime, Buffer.from(digits.slice(2))) : der(tags.longTime, Buffer.from(digits));
}

function pem(label: string, content: Buffer): string {
  return `-----BEGIN ${label}-----\n${content.toString("base64").replace(/.{1,64}/g, "$&\n")}-----END ${label}-----\n`;
}
