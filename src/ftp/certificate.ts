import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { ConfigError } from "#kit/config.ts";
import { makeSelfSigned } from "./self-signed.ts";

/** 127.0.0.1 and ::1. */
const loopback = [Buffer.from([127, 0, 0, 1]), Buffer.from("1".padStart(32, "0"), "hex")];
const dayMs = 24 * 60 * 60 * 1000;
/** A certificate that nobody vouches for need not be renewed by anybody either. */
const validDays = 3650;

/** Makes a context of TLS with the certificate. Its session tickets are its own: no other context takes them. */
export type Certificate = () => SecureContext;

/** Where the certificate of FTPS comes from. */
export interface CertificateOptions {
  /** Folder in which one of our own is kept. */
  readonly folder: string;
  readonly given: { readonly certificate: string; readonly key: string } | null;
}

/**
 * The certificate of FTPS: the one that the settings name, or one signed by itself and kept.
 * @throws {ConfigError} when the one that the settings name is not usable.
 */
export async function openCertificate(options: CertificateOptions): Promise<Certificate> {
  const { given } = options;
  if (given !== null) return readCertificate(given.certificate, given.key);
  const own = join(options.folder, "certificate");
  await makeOnce(options.folder, own);
  return readCertificate(join(own, "certificate.pem"), join(own, "key.pem"));
}

async function makeOnce(folder: string, own: string): Promise<void> {
  if (await readFile(join(own, "key.pem")).catch(() => undefined)) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(folder, "draft-"));
  try {
    const name =
      hostname()
        .replace(/[^A-Za-z0-9.-]/g, "")
        .slice(0, 60) || "backlot";
    // Clocks of clients may be behind.
    const from = new Date(Date.now() - dayMs);
    const { key, certificate } = makeSelfSigned({
      name,
      hosts: [name, "localhost"],
      addresses: loopback,
      from,
      until: new Date(from.getTime() + validDays * dayMs),
    });
    await writeFile(join(draft, "key.pem"), key, { mode: 0o600 });
    await writeFile(join(draft, "certificate.pem"), certificate);
    // Both files or none: a key without its certificate would be of no use at the next start.
    await rename(draft, own);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function readCertificate(certificate: string, key: string): Promise<Certificate> {
  try {
    const [cert, secret] = [await readFile(certificate), await readFile(key)];
    const open = (): SecureContext => createSecureContext({ cert, key: secret, minVersion: "TLSv1.2" });
    open();
    return open;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw Object.assign(new ConfigError([`BACKLOT_FTP_CERTIFICATE: ${certificate} with ${key} cannot be used (${reason})`]), { cause: error });
  }
}
