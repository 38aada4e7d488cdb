/** Takes one text out of the address's query; anything else there is ignored. */
export function textParam<K extends string>(search: Record<string, unknown>, key: K): { [Key in K]?: string } {
  const value = search[key];
  // Numbers are what the router makes of `?q=2026`.
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && text !== "" ? ({ [key]: text } as { [Key in K]?: string }) : {};
}

/** Where to go after the sign-in: a path of this dashboard, never another server's address. */
export function safeNext(next: string | undefined): string {
  return next?.startsWith("/") && !next.startsWith("//") && !next.includes("\\") ? next : "/";
}
