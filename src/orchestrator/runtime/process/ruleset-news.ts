// What the kernel tells of changes of its firewall, as it comes out of a netlink socket.

/** For socat: a raw netlink socket of netfilter (16:3:12), in the group of nf_tables' news (the seventh, after two bytes of padding and no address). */
export const rulesetNews = "SOCKET-RECV:16:3:12:x00000000000040000000";

/** Something was taken out of the firewall. */
export interface Removal {
  /** Attributes of the message; names in it end with a zero byte. */
  readonly body: Buffer;
  /** Of a set; else a table, a chain, a rule or a set. */
  readonly isElement: boolean;
}

const headerBytes = 16;
const ofTables = 10;
/** Tables, chains, rules, sets and elements, by the numbers of `NFT_MSG_DEL…`. */
const removing = [2, 5, 8, 11, 14] as const;
const ofElement = 14;

/** The removals among messages, and the beginning of one that has not come whole. */
export function removalsIn(bytes: Buffer): { readonly removals: readonly Removal[]; readonly rest: Buffer } {
  const removals: Removal[] = [];
  let at = 0;
  while (at + headerBytes <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    // Nothing that the kernel would say.
    if (length < headerBytes) return { removals, rest: Buffer.alloc(0) };
    if (at + length > bytes.length) break;
    const [kind, subsystem] = [bytes.readUInt8(at + 4), bytes.readUInt8(at + 5)];
    if (subsystem === ofTables && removing.some((number) => number === kind))
      removals.push({ body: bytes.subarray(at + headerBytes, at + length), isElement: kind === ofElement });
    // Aligned to four bytes, but for the last of a datagram.
    at += Math.min((length + 3) & ~3, bytes.length - at);
  }
  return { removals, rest: bytes.subarray(at) };
}
