import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Certificates by which HAProxy ends TLS. */
export interface Certificates {
  /** Each of its files holds a certificate, those that vouch for it, and its key. */
  readonly folder: string;
  /** Changes with every file: a HAProxy that was found running with others is exchanged. */
  readonly fingerprint: string;
}

/** What HAProxy takes for parts of others, and what it does not look at. */
const notOwn = /^\.|\.(?:key|issuer|ocsp|sctl)$/;

/** Looks at a folder of certificates. @throws {Error} saying why it cannot be used. */
export function readCertificates(folder: string): Certificates {
  const place = path.resolve(folder);
  if (/['\r\n]/.test(place)) throw new Error(`HAProxy cannot be told of the folder ${place}: choose one without ' in its name`);
  const names = readdirSync(place)
    .filter((name) => !name.startsWith("."))
    .toSorted();
  if (!names.some((name) => !notOwn.test(name)))
    throw new Error(`there is no certificate in ${place}: a file for each, with the certificate and its key in it`);
  const hash = createHash("sha256");
  for (const name of names) hash.update(`${name}\0`).update(readFileSync(path.join(place, name)));
  return { folder: place, fingerprint: hash.digest("hex").slice(0, 32) };
}
