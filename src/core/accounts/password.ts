import { Failure } from "#contract/failure.ts";

/** Hashes passwords slowly (argon2id) and checks them. */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  verify(hash: string, password: string): Promise<boolean>;
}

const minLength = 8;
const maxLength = 200;

/** @throws {Failure} `password_too_weak`. */
export function checkPassword(password: string): void {
  if (password.length < minLength || password.length > maxLength) throw new Failure("password_too_weak");
}
