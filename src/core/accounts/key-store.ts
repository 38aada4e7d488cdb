import type { PublicKey } from "./public-key.ts";
import type { User } from "./user.ts";

/** A person's public key for SSH and SFTP. */
export interface SshKey {
  readonly id: string;
  readonly title: string;
  readonly algorithm: string;
  readonly bits: number;
  readonly fingerprint: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

/** People's public keys. The same key may be several people's; nobody learns whose it is besides. */
export interface KeyStore {
  /**
   * Null, and nothing is kept, when the person has another epoch by now or may not sign in any more.
   * @throws {Failure} `key_taken`.
   */
  create(input: { readonly id: string; readonly user: Pick<User, "id" | "epoch">; readonly title: string; readonly key: PublicKey }): Promise<SshKey | null>;
  list(userId: number): Promise<readonly SshKey[]>;
  /** The active person of this name, if the key is theirs. */
  find(username: string, fingerprint: string): Promise<{ readonly user: User; readonly key: SshKey } | null>;
  /** Whether the person still has it. */
  has(userId: number, id: string): Promise<boolean>;
  /** False when there is no such key of this person. Whoever signed in with it hears of its removal. */
  delete(user: Pick<User, "id" | "epoch">, id: string): Promise<boolean>;
  /** Notes that the key was used. */
  touch(id: string, usedAt: Date): Promise<void>;
}
