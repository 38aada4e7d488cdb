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
  /** Null, and nothing is kept, when the person has another epoch by now or may not sign in any more. */
  create(input: {
    readonly id: string;
    /** As they were when they asked. */
    readonly user: Pick<User, "id" | "epoch">;
    readonly name: string;
    readonly secretHash: string;
    readonly scopes: readonly TokenScope[];
    readonly expiresAt: Date | null;
  }): Promise<ApiToken | null>;
  /** The active person behind a token that has not expired. */
  find(secretHash: string, now: Date): Promise<{ readonly user: User; readonly token: ApiToken } | null>;
  list(userId: number): Promise<readonly ApiToken[]>;
  /** False when there is no such token of this person. */
  delete(userId: number, id: string): Promise<boolean>;
  /** Notes that the token was used. */
  touch(id: string, usedAt: Date): Promise<void>;
}
