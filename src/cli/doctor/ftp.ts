import type { Check } from "./check.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where FTP listens with these settings. */
export function ftpHost(environment: Environment): string {
  return environment.BACKLOT_FTP_HOST || environment.BACKLOT_HOST || "127.0.0.1";
}

/** With which certificate FTP has TLS here. */
export function checkFtp(environment: Environment): Check {
  const name = "FTP and FTPS";
  if (environment.BACKLOT_FTP_CERTIFICATE) return { name, state: "ok", detail: "TLS with BACKLOT_FTP_CERTIFICATE" };
  return { name, state: "ok", detail: "TLS with a certificate that it has signed itself" };
}
