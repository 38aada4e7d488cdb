import { randomBytes } from "node:crypto";
import { parseCookie, stringifySetCookie } from "cookie";
import { z } from "zod";
import { deviceCookieName, secureDeviceCookieName } from "#contract/session-cookie.ts";
import { typedUsername } from "#core/accounts/sign-in.ts";
import type { Seal } from "#kit/seal.ts";

/** For how long a browser is known after the last sign-in, in milliseconds. */
const lifetimeMs = 180 * 24 * 60 * 60 * 1000;
/** People of one browser, as in a classroom; the cookie stays below 2 KB. */
const mostPeople = 8;

const entries = z.array(z.object({ username: z.string(), device: z.string(), at: z.number() }));
type Entries = z.output<typeof entries>;

/** Browsers with which people signed in before. The browser keeps that itself, sealed, so that nobody can make it up or read it. */
export interface KnownDevices {
  /** The device's id for this person, if they signed in with it before. */
  find(cookies: string | undefined, username: string): string | undefined;
  /** The Set-Cookie header after this person has signed in. */
  remember(cookies: string | undefined, username: string): string;
}

/** @param seal of its own, made from the cluster key. */
export function knownDevices({ seal, isSecure, now }: { readonly seal: Seal; readonly isSecure: boolean; readonly now: () => number }): KnownDevices {
  const name = isSecure ? secureDeviceCookieName : deviceCookieName;
  const read = (cookies: string | undefined): Entries => {
    const sealed = cookies === undefined ? undefined : parseCookie(cookies)[name];
    return sealed === undefined ? [] : opened(seal, sealed).filter(({ at }) => at > now() - lifetimeMs);
  };
  return {
    find: (cookies, username) => read(cookies).find((entry) => entry.username === typedUsername(username))?.device,
    remember: (cookies, username) => {
      const known = read(cookies);
      const device = known.find((entry) => entry.username === username)?.device ?? randomBytes(16).toString("base64url");
      const kept = [{ username, device, at: now() }, ...known.filter((entry) => entry.username !== username)].slice(0, mostPeople);
      return stringifySetCookie({
        name,
        value: seal.seal(JSON.stringify(kept)),
        httpOnly: true,
        secure: isSecure,
        sameSite: "lax",
        path: "/",
        maxAge: lifetimeMs / 1000,
      });
    },
  };
}

function opened(seal: Seal, sealed: string): Entries {
  try {
    return entries.parse(JSON.parse(seal.open(sealed)));
  } catch {
    // Made up, or sealed with the key of another installation: nobody is known by it.
    return [];
  }
}
