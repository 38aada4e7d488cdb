import { z } from "zod";

/**
 * The log-format of HAProxy: one JSON object a request. Texts of visitors are cut and escaped by HAProxy; of the address only the path is told,
 * since what stands in a query may be secret.
 */
export const accessLogFormat = [
  String.raw`"{\"t\":%[date(0,ms)],\"c\":\"%[var(txn.visitor)]\",\"m\":\"%HM\"`,
  String.raw`\"h\":\"%[var(txn.host),bytes(0,255),json(utf8ps)]\",\"p\":\"%[var(txn.path),bytes(0,1000),json(utf8ps)]\"`,
  String.raw`\"a\":\"%[var(txn.agent),bytes(0,300),json(utf8ps)]\",\"u\":\"%[var(txn.purpose),bytes(0,50),json(utf8ps)]\"`,
  String.raw`\"s\":%ST,\"b\":%B,\"d\":%Ta,\"q\":\"%b/%s\",\"e\":\"%ts\",\"r\":\"%[var(txn.route)]\"}"`,
].join(",");

/** No date can be later. */
const latestMs = 8.64e15;
// HAProxy writes a hyphen for what there is none of.
const text = z.string().transform((value) => (value === "-" ? "" : value));

/** A line of the access log as HAProxy tells it. */
export const accessLine = z.object({
  /** When the request ended, in milliseconds since 1970. */
  t: z.int().min(0).max(latestMs),
  /** The visitor's address. */
  c: text,
  m: z.string(),
  /** Host, lower case. */
  h: text,
  p: text,
  /** User agent, and what the request is for (`prefetch`). */
  a: text,
  u: text,
  s: z.int(),
  /** Bytes of the answer. */
  b: z.int(),
  /** Milliseconds from the first byte of the request to the last of the answer. */
  d: z.int(),
  /** Backend and server that answered. */
  q: z.string(),
  /** How it ended: `--` in order, else HAProxy's two letters for who broke it off and when. */
  e: z.string(),
  /** What the map said of the host. */
  r: text,
});
export type AccessLine = z.output<typeof accessLine>;

/** Reads a line; null for what is none. */
export function parseAccessLine(text: string): AccessLine | null {
  try {
    return accessLine.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
