import { Failure } from "#contract/failure.ts";

/** Hashes passwords slowly (argon2id) and checks them. */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  verify(hash: string, password: string): Promise<boolean>;
}

/** How many characters a password has. */
export const passwordLength = { least: 8, most: 200 } as const;

/** @throws {Failure} `password_too_weak`. */
export function checkPassword(password: string): void {
  if (password.length < passwordLength.least || password.length > passwordLength.most) throw new Failure("password_too_weak");
}
