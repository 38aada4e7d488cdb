import { timingSafeEqual } from "node:crypto";
import { Failure } from "#contract/failure.ts";
import { checkPassword, type PasswordHasher } from "#core/accounts/password.ts";
import type { SettingStore } from "#core/accounts/setting-store.ts";
import type { User } from "#core/accounts/user.ts";
import type { UserStore } from "#core/accounts/user-store.ts";
import { hashOf, newSecret } from "./session-cookie.ts";

/** The way in on an installation without an administrator. */
export interface FirstAdministrator {
  /** Makes the administrator from a given password, or a set-up link's secret (null when neither is needed). */
  prepare(password: string | undefined): Promise<string | null>;
  /** Redeems the link. @throws {Failure} `setup_link_invalid`, `password_too_weak`. */
  redeem(secret: string, password: string): Promise<User>;
}

const settingKey = "setup_link_hash";
const username = "admin";

/** The first administrator is called `admin`. A link is good until it is used or the next start makes another. */
export function firstAdministrator(deps: { readonly users: UserStore; readonly settings: SettingStore; readonly hasher: PasswordHasher }): FirstAdministrator {
  const { users, settings, hasher } = deps;
  return {
    prepare: async (password) => {
      if (await users.hasAdministrator()) return null;
      if (password !== undefined) {
        checkPassword(password);
        await users.create({ username, passwordHash: await hasher.hash(password), role: "administrator" });
        return null;
      }
      const secret = newSecret();
      await settings.set(settingKey, hashOf(secret));
      return secret;
    },
    redeem: async (secret, password) => {
      const expected = await settings.get(settingKey);
      if (expected === null || !timingSafeEqual(Buffer.from(expected), Buffer.from(hashOf(secret)))) throw new Failure("setup_link_invalid");
      checkPassword(password);
      // The unique user name decides between two who redeem it at once.
      const user = await users.create({ username, passwordHash: await hasher.hash(password), role: "administrator" });
      await settings.delete(settingKey);
      return user;
    },
  };
}
