import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { promisify } from "node:util";
import { ConfigError } from "#kit/config.ts";
import type { Log } from "#kit/log.ts";

const run = promisify(execFile);
/** A certificate that nobody vouches for need not be renewed by anybody either. */
const validDays = 3650;

/** Makes a context of TLS with the certificate. Its session tickets are its own: no other context takes them. */
export type Certificate = () => SecureContext;

/** Where the certificate of FTPS comes from. */
export interface CertificateOptions {
  /** Folder in which one of our own is kept. */
  readonly folder: string;
  readonly given: { readonly certificate: string; readonly key: string } | null;
  /** Whether the door may not open without. */
  readonly isRequired: boolean;
  readonly log: Log;
}

/**
 * The certificate of FTPS: the one that the settings name, or one signed by itself and kept. Null where none can be made and none is required.
 * @throws {ConfigError} when there is none and one is required, or it is not usable.
 */
export async function openCertificate(options: CertificateOptions): Promise<Certificate | null> {
  const { given } = options;
  if (given !== null) return readCertificate(given.certificate, given.key);
  const own = join(options.folder, "certificate");
  try {
    await makeOnce(options.folder, own);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const reason = isMissing ? "the program openssl, which makes a certificate, is not installed" : `openssl made no certificate: ${String(error)}`;
    if (options.isRequired) throw new ConfigError([`BACKLOT_FTP_CERTIFICATE: ${reason}; install it, or name a certificate of your own`]);
    options.log.warn({ reason }, "FTP has no TLS");
    return null;
  }
  return readCertificate(join(own, "certificate.pem"), join(own, "key.pem"));
}

async function makeOnce(folder: string, own: string): Promise<void> {
  if (await readFile(join(own, "key.pem")).catch(() => undefined)) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(folder, "draft-"));
  try {
    const [key, certificate] = [join(draft, "key.pem"), join(draft, "certificate.pem")];
    const name =
      hostname()
        .replace(/[^A-Za-z0-9.-]/g, "")
        .slice(0, 60) || "backlot";
    const names = `subjectAltName=DNS:${name},DNS:localhost,IP:127.0.0.1,IP:::1`;
    const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256"];
    await run("openssl", ["req", ...kind, "-days", String(validDays), "-subj", `/CN=${name}`, "-addext", names, "-keyout", key, "-out", certificate], {
      timeout: 20_000,
    });
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
