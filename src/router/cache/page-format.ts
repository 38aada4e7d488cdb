import { z } from "zod";
import type { Page } from "./page.ts";

/** Begins every stored page; another version of this program that stores otherwise begins otherwise. */
const magic = Buffer.from("BLP1", "latin1");
const headBytes = magic.length + 4;

const when = z.number().nonnegative();
const meta = z.object({
  key: z.string(),
  path: z.string(),
  vary: z.array(z.string()),
  varied: z.string(),
  generation: z.int(),
  status: z.int().min(200).max(599),
  fields: z.array(z.string()),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  tags: z.array(z.string()),
  storedAt: when,
  ageMs: when,
  freshUntil: when,
  revalidateUntil: when,
  errorUntil: when,
  asleepUntil: when,
  isPublic: z.boolean(),
  bodyBytes: z.int().nonnegative(),
});

/** A page as bytes: a mark, the length of what describes it, that as JSON, and its body. */
export function encodePage({ body, ...page }: Page): Buffer {
  const description = Buffer.from(JSON.stringify({ ...page, bodyBytes: body.length }));
  const head = Buffer.alloc(headBytes);
  magic.copy(head);
  head.writeUInt32BE(description.length, magic.length);
  return Buffer.concat([head, description, body]);
}

/** A page out of its bytes; undefined for anything that is not exactly one. */
export function decodePage(bytes: Buffer): Page | undefined {
  if (bytes.length < headBytes || !bytes.subarray(0, magic.length).equals(magic)) return undefined;
  const end = headBytes + bytes.readUInt32BE(magic.length);
  try {
    const { bodyBytes, ...page } = meta.parse(JSON.parse(bytes.toString("utf8", headBytes, end)));
    const body = bytes.subarray(end);
    return body.length === bodyBytes && page.fields.length % 2 === 0 ? { ...page, body } : undefined;
  } catch {
    // Cut, or written by something else: as good as not there.
    return undefined;
  }
}
