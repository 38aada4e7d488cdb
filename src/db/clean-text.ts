/** A text as PostgreSQL can keep it: it stores no NUL, and no halves of surrogate pairs. */
export function cleanText(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

/** A value as JSON that PostgreSQL can keep. */
export function cleanJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "string") return cleanText(inner);
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, item]) => [cleanText(key), item]));
  });
}
