import { hash, verify } from "@node-rs/argon2";
import type { PasswordHasher } from "#core/accounts/password.ts";

// OWASP's minimum for argon2id: 19 MiB, two passes, one lane; about 10 ms here, off the event loop.
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Password hashes by argon2id; a hash that cannot be read counts as no match. */
export const argon2PasswordHasher: PasswordHasher = {
  hash: (password) => hash(password, cost),
  verify: (stored, password) => verify(stored, password).catch(() => false),
};
