import { lookup } from "mrmime";

/** Encodings that a file may stand beside itself in, the better one first. */
export const encodings = [
  { name: "br", suffix: ".br" },
  { name: "gzip", suffix: ".gz" },
] as const;
export type Encoding = (typeof encodings)[number];

/** The media type of a file by its name, with the character set for text. */
export function contentTypeOf(name: string): string {
  const type = lookup(name) ?? "application/octet-stream";
  return type.startsWith("text/") || type === "application/javascript" ? `${type}; charset=utf-8` : type;
}

/** Whether a file of this type is worth a look for a compressed neighbour. */
export function isCompressible(contentType: string): boolean {
  return /^text\/|^application\/(?:javascript|json|manifest\+json|wasm|xml|.*\+(?:xml|json)|vnd\.ms-fontobject)|^image\/(?:svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|^font\/(?:ttf|otf)/.test(
    contentType,
  );
}

/** Which of the encodings a client takes (RFC 9110, section 12.5.3). */
export function acceptedEncodings(header: string | undefined): readonly Encoding[] {
  if (header === undefined || header === "") return [];
  const refused = new Set<string>();
  const taken = new Set<string>();
  for (const part of header.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((piece) => piece.trim());
    const isRefused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
    (isRefused ? refused : taken).add(name);
  }
  return encodings.filter(({ name }) => taken.has(name) || (taken.has("*") && !refused.has(name)));
}
