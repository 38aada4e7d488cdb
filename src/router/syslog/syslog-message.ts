import { isAscii } from "node:buffer";

/** A line of a log as syslog carries it. */
export interface SyslogMessage {
  readonly program: string;
  /** When it was written, as ISO 8601 tells it; "" in the older kind, which knows no year. */
  readonly time: string;
  readonly text: string;
}

/** RFC 5424: `<134>1 TIME HOST PROGRAM PID ID [data] text`. */
const modern = /^<\d{1,3}>1 (?<time>\S+) \S+ (?<program>\S+) \S+ \S+ (?:-|(?:\[(?:\\.|[^\]\\])*\])+)(?: (?:\u{FEFF})?(?<text>[\s\S]*))?$/u;
/** RFC 3164: `<134>Nov 22 09:07:29 [host] program[pid]: text`. */
const old = /^<\d{1,3}>[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} (?:\S+ )?(?<program>[^\s:[]+)(?:\[\d+\])?: ?(?<text>[\s\S]*)$/;

/** Reads a message of either kind; null for what is none. */
export function parseSyslogMessage(message: string): SyslogMessage | null {
  const found = (modern.exec(message) ?? old.exec(message))?.groups;
  return found === undefined ? null : { program: found.program ?? "", time: found.time ?? "", text: (found.text ?? "").trimEnd() };
}

const mostMessageBytes = 64 * 1024;

/** Cuts a stream of messages into messages: each stands behind its length (RFC 6587, section 3.4.1). */
export class OctetCounted {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that are complete with this piece. @throws {Error} when what comes is no such stream. */
  take(chunk: Buffer): readonly string[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    // A character for each byte, so that lengths count.
    const bytes = data.toString("latin1");
    const isPlain = isAscii(data);
    const messages: string[] = [];
    let at = 0;
    while (at < bytes.length) {
      const space = bytes.indexOf(" ", at);
      if (space === -1 ? bytes.length - at > 6 : space - at > 6) throw new Error("a log stream does not tell the lengths of its lines");
      if (space === -1) break;
      const digits = bytes.slice(at, space);
      const end = space + 1 + Number(digits);
      if (!/^[1-9]\d{0,5}$/.test(digits) || end - space - 1 > mostMessageBytes) throw new Error("a log stream does not tell the lengths of its lines");
      if (bytes.length < end) break;
      messages.push(isPlain ? bytes.slice(space + 1, end) : data.toString("utf8", space + 1, end));
      at = end;
    }
    this.#rest = Buffer.from(data.subarray(at));
    return messages;
  }
}
