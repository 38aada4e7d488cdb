/** An answer of a site's program that is kept, with everything that decides for whom and for how long. Times are milliseconds since 1970. */
export interface Page {
  /** Which address: scheme, Host header, path and query, as the program was told them. */
  readonly key: string;
  readonly path: string;
  /** Names of request headers, lower case, that the answer depends on, and what they held. */
  readonly vary: readonly string[];
  readonly varied: string;
  readonly generation: number;
  readonly status: number;
  /** Names and values in turn, as Node's writeHead takes them; without Age and Cache-Tag, with Content-Length and Date. */
  readonly fields: readonly string[];
  readonly body: Buffer;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly tags: readonly string[];
  readonly storedAt: number;
  /** How old it was when it came. */
  readonly ageMs: number;
  readonly freshUntil: number;
  /** Until then it may go out while a newer one is fetched. */
  readonly revalidateUntil: number;
  /** Until then it may go out when the program fails. */
  readonly errorUntil: number;
  /** Until then it may go out while the program sleeps. */
  readonly asleepUntil: number;
  /** The program said that it is for everyone, whoever asked. */
  readonly isPublic: boolean;
}

/** What a page costs beside its texts and its body, in bytes. */
const overheadBytes = 600;

/** What a page takes of memory. */
export function bytesOf(page: Page): number {
  let bytes = overheadBytes + page.body.length + 2 * (page.key.length + page.varied.length);
  for (const field of page.fields) bytes += field.length + 16;
  return bytes;
}

/** When a page is of no use any more, whatever happens. */
export function uselessAt(page: Page): number {
  return Math.max(page.freshUntil, page.revalidateUntil, page.errorUntil, page.asleepUntil);
}

/** The values of the headers that an answer depends on, as one text: of two requests with the same text one answer is good for both. */
export function variedBy(names: readonly string[], headerOf: (name: string) => string): string {
  return names.map((name) => `${name}:${headerOf(name)}`).join("\n");
}

/** Bytes of their own: a small piece would hold on to the whole slab that it was cut from. */
export function joinBody(chunks: readonly Buffer[], length: number): Buffer {
  const body = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const chunk of chunks) at += chunk.copy(body, at);
  return body;
}
