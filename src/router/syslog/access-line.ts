import { z } from "zod";
import type { SyslogMessage } from "./syslog-message.ts";

/**
 * The log-format of HAProxy: what is counted of every request in words that stand apart, then the rest as a JSON object, which is read of a few
 * only. Texts of visitors are cut and escaped by HAProxy; of the address only the path is told, since what stands in a query may be secret.
 *
 *     200 1234 live/kept -- live|10.77.0.3|80|2097152|10.77.0.3:80|8 {"c":"192.0.2.1",…}
 */
export const accessLogFormat = `"%ST %B %b/%s %ts %[var(txn.route)] {${[
  String.raw`\"c\":\"%[var(txn.visitor)]\",\"m\":\"%HM\",\"d\":%Ta`,
  String.raw`\"h\":\"%[var(txn.host),bytes(0,255),json(utf8ps)]\",\"p\":\"%[var(txn.path),bytes(0,1000),json(utf8ps)]\"`,
  String.raw`\"a\":\"%[var(txn.agent),bytes(0,300),json(utf8ps)]\",\"u\":\"%[var(txn.purpose),bytes(0,50),json(utf8ps)]\"`,
].join(",")}}"`;

/** Status, bytes, backend and server, how it ended, what the map said of the host, the rest. */
const shape = /^(-?\d{1,9}) (\d{1,15}) (\S{1,200}) (\S\S) (\S{1,300}) (\{.*\})$/s;

// HAProxy writes a hyphen for what there is none of.
const told = z.string().transform((value) => (value === "-" ? "" : value));

const accessWords = z.object({
  /** The visitor's address. */
  c: told,
  m: z.string(),
  /** Milliseconds from the first byte of the request to the last of the answer. */
  d: z.int(),
  /** Host, lower case. */
  h: told,
  p: told,
  /** User agent, and what the request is for (`prefetch`). */
  a: told,
  u: told,
});
/** What of a request is told in a visitor's own words, and how long it took. */
export type AccessWords = z.output<typeof accessWords>;

/** A line of the access log as HAProxy tells it. */
export class AccessLine {
  readonly status: number;
  /** Bytes of the answer. */
  readonly bytes: number;
  /** Backend and server that answered: `live/kept`. */
  readonly server: string;
  /** How it ended: `--` in order, else HAProxy's two letters for who broke it off and when. */
  readonly ending: string;
  /** The site that the map named; null where the host stands in no map. */
  readonly siteId: number | null;
  /** When the request ended, as ISO 8601 tells it; "" when that is not known. */
  readonly time: string;
  readonly #rest: string;
  #words: AccessWords | null | undefined;

  constructor([, status, bytes, server, ending, route, rest]: readonly string[], time: string) {
    this.status = Number(status);
    this.bytes = Number(bytes);
    this.server = server ?? "";
    this.ending = ending ?? "";
    this.siteId = siteOf(route ?? "");
    this.time = time;
    this.#rest = rest ?? "";
  }

  /** The rest of the line, read when it is first asked for; null when it is none of HAProxy's. */
  get words(): AccessWords | null {
    this.#words ??= readWords(this.#rest);
    return this.#words;
  }
}

/** Reads a line; null for what is none. */
export function parseAccessLine({ text, time }: SyslogMessage): AccessLine | null {
  const parts = shape.exec(text);
  return parts === null ? null : new AccessLine(parts, time);
}

// Both values of the map end with the site: `live|…|8` and `static|0008`.
function siteOf(route: string): number | null {
  const digits = /^(?:live|static)\|(?:.*\|)?(\d{1,15})$/.exec(route)?.[1];
  return digits === undefined ? null : Number(digits);
}

function readWords(rest: string): AccessWords | null {
  try {
    return accessWords.parse(JSON.parse(rest));
  } catch {
    return null;
  }
}
