import type { TokenScope } from "#contract/token-scope.ts";
import type { User } from "./user.ts";

/** An API token, without its secret. */
export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** API tokens. Only the sha256 of a token's secret is stored (hex). */
export interface TokenStore {
  create(input: {
    readonly id: string;
    readonly userId: number;
    readonly name: string;
    readonly secretHash: string;
    readonly scopes: readonly TokenScope[];
    readonly expiresAt: Date | null;
  }): Promise<ApiToken>;
  /** The active person behind a token that has not expired. */
  find(secretHash: string, now: Date): Promise<{ readonly user: User; readonly token: ApiToken } | null>;
  list(userId: number): Promise<readonly ApiToken[]>;
  /** False when there is no such token of this person. */
  delete(userId: number, id: string): Promise<boolean>;
  /** Notes that the token was used. */
  touch(id: string, usedAt: Date): Promise<void>;
}
