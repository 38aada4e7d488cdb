/** What an API token may be limited to. `full` is everything its owner may do. */
export const tokenScopes = ["full", "read", "deploy", "files", "shell", "tasks"] as const;
export type TokenScope = (typeof tokenScopes)[number];

/** Whether a token with these scopes reaches an endpoint that asks for one of them. */
export function scopeAllows(held: readonly TokenScope[], asked: TokenScope): boolean {
  if (held.includes("full")) return true;
  if (asked === "read") return held.length > 0;
  return held.includes(asked);
}
