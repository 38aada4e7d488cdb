import { z } from "zod";

/** What a message of the original's clients is good for. */
export type LegacyMessage = { readonly uid: string } | { readonly problem: "oversized" | "malformed" | "no-uuid"; readonly detail: string };

/** Bytes. The original's own are below 1 KiB. */
export const mostLegacyBytes = 64 * 1024;

/** Python's `uuid.UUID` takes more forms than that; its `str(uuid)`, which the original sends, gives this one. */
const uuid = z.guid();

/** Reads the uid of `{"uid": …, "script": …, "arguments": […]}`; the rest is not believed: the task's row says what is run. */
export function readLegacyMessage(body: Buffer): LegacyMessage {
  if (body.byteLength > mostLegacyBytes) return { problem: "oversized", detail: `${body.byteLength} bytes; at most ${mostLegacyBytes}` };
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return { problem: "malformed", detail: "not JSON" };
  }
  if (typeof parsed !== "object" || parsed === null || !("uid" in parsed)) return { problem: "malformed", detail: "no object with a uid" };
  const { uid } = parsed;
  const read = uuid.safeParse(uid);
  return read.success ? { uid: read.data.toLowerCase() } : { problem: "no-uuid", detail: "the uid is not a uuid" };
}

/** The bytes of a body as they came: the library has parsed what called itself text or JSON. */
export function bodyBytes(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}
