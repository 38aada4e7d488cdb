import { isLoopback } from "#kit/demo-account.ts";
import type { Check } from "./check.ts";
import { tryProgram } from "./try-program.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where FTP listens with these settings. */
export function ftpHost(environment: Environment): string {
  return environment.BACKLOT_FTP_HOST || environment.BACKLOT_HOST || "127.0.0.1";
}

/** Whether FTP has TLS here, which it cannot do without where more than this machine reaches it. */
export async function checkFtp(environment: Environment): Promise<Check> {
  const name = "FTP and FTPS";
  if (environment.BACKLOT_FTP_CERTIFICATE) return { name, state: "ok", detail: "TLS with BACKLOT_FTP_CERTIFICATE" };
  const openssl = await tryProgram("openssl", ["version"]);
  if (openssl.isFine) return { name, state: "ok", detail: `TLS with a certificate of its own, which ${openssl.firstLine.split(" (")[0]} makes` };
  const advice = "Install openssl, or name a certificate by BACKLOT_FTP_CERTIFICATE.";
  const isRequired = !isLoopback(ftpHost(environment)) && environment.BACKLOT_FTP_ALLOW_PLAIN !== "true";
  if (isRequired) return { name, state: "missing", detail: "FTP is to be reached from elsewhere, and there is no certificate for TLS", advice };
  return { name, state: "limited", detail: "FTP has no TLS: openssl, which makes its certificate, is not installed", advice };
}
