import { createHash, randomBytes } from "node:crypto";
import { parseCookie, stringifySetCookie } from "cookie";
import { secureSessionCookieName, sessionCookieName } from "#contract/session-cookie.ts";

/** How long a session lasts without being used, in milliseconds; as in the original. */
export const sessionLifetimeMs = 14 * 24 * 60 * 60 * 1000;

/** A new secret for a session or a token: 256 random bits. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** What is stored of a secret: its sha256, hex. Secrets are random, so that no slow hash is needed. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** The cookie's name. Under TLS the `__Host-` prefix keeps every other host from setting it. */
export function cookieName(isSecure: boolean): string {
  return isSecure ? secureSessionCookieName : sessionCookieName;
}

/** The header that sets the cookie; an empty secret takes it away. */
export function setCookie(secret: string, isSecure: boolean): string {
  return stringifySetCookie({
    name: cookieName(isSecure),
    value: secret,
    httpOnly: true,
    secure: isSecure,
    sameSite: "lax",
    path: "/",
    maxAge: secret === "" ? 0 : sessionLifetimeMs / 1000,
  });
}

/** The session's secret out of a request's Cookie header. */
export function readCookie(header: string | undefined, isSecure: boolean): string | undefined {
  if (header === undefined) return undefined;
  return parseCookie(header)[cookieName(isSecure)];
}
