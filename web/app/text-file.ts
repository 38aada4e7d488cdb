const imageTypes: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  ico: "image/x-icon",
  bmp: "image/bmp",
  svg: "image/svg+xml",
};

/** The media type of a picture by its name; null for everything else. */
export function imageTypeOf(name: string): string | null {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase();
  return extension === undefined ? null : (imageTypes[extension] ?? null);
}

export interface TextFile {
  /** With `\n` at the end of lines, as a textarea has it. */
  readonly text: string;
  readonly lineEnd: "\n" | "\r\n";
  readonly hasMark: boolean;
}

/** Reads bytes as text; null when they are not UTF-8 text. */
export function decodeText(bytes: Uint8Array): TextFile | null {
  if (bytes.includes(0)) return null;
  let raw: string;
  try {
    raw = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not UTF-8: there is nothing to tell beyond "this is not text".
    return null;
  }
  const hasMark = raw.startsWith("\ufeff");
  const body = hasMark ? raw.slice(1) : raw;
  const windows = body.match(/\r\n/g)?.length ?? 0;
  const all = body.match(/\r\n|\n/g)?.length ?? 0;
  return { text: body.replace(/\r\n?/g, "\n"), lineEnd: windows > all / 2 ? "\r\n" : "\n", hasMark };
}

/** Writes text back with the line ends and byte order mark that the file came with. */
export function encodeText({ text, lineEnd, hasMark }: TextFile): Uint8Array<ArrayBuffer> {
  const body = lineEnd === "\r\n" ? text.replaceAll("\n", "\r\n") : text;
  return new TextEncoder().encode(hasMark ? `\ufeff${body}` : body);
}
