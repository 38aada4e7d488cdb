import { deviceCookieName, secureDeviceCookieName, secureSessionCookieName, sessionCookieName } from "#contract/session-cookie.ts";

const names: readonly string[] = [sessionCookieName, secureSessionCookieName, deviceCookieName, secureDeviceCookieName];

/** A Cookie header without the dashboard's cookies; null when nothing else was in it. Cookies ignore ports, so a browser sends it to sites on the same host name. */
export function withoutSession(header: string): string | null {
  if (!header.includes(sessionCookieName) && !header.includes(deviceCookieName)) return header;
  const kept = header.split(";").filter((pair) => {
    const name = pair.split("=", 1)[0]?.trim() ?? "";
    return !names.includes(name);
  });
  const rest = kept.join(";").trim();
  return rest === "" ? null : rest;
}

/**
 * Whether a Set-Cookie stays with the site: its Domain, if it names one, is the visited host or below it. A wider one would reach other
 * sites. None may have a name of the dashboard's cookies: should that be on the same host name after all, it would take it for its own.
 */
export function isOwnCookie(setCookie: string, host: string): boolean {
  // A browser sends `=name=value`, a cookie without a name, back as `name=value`.
  const named = setCookie.trim().replace(/^=\s*/, "");
  if (names.includes(named.split(/[=;]/, 1)[0]?.trim() ?? "")) return false;
  for (const attribute of setCookie.split(";").slice(1)) {
    const [name = "", value = ""] = attribute.split("=", 2);
    if (name.trim().toLowerCase() !== "domain") continue;
    const domain = value.trim().toLowerCase().replace(/^\./, "");
    // An empty Domain means the host itself (RFC 6265, section 5.2.3).
    if (domain !== "" && domain !== host && !domain.endsWith(`.${host}`)) return false;
  }
  return true;
}
