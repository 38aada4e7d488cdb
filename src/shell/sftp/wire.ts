import { ProtocolError } from "./packet-reader.ts";

// The types of draft-ietf-secsh-filexfer-02, which everybody means by SFTP version 3.

/** Reads a packet's fields one after another. Reading past its end is a `ProtocolError`. */
export class FieldReader {
  readonly #packet: Buffer;
  #position = 0;

  constructor(packet: Buffer) {
    this.#packet = packet;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#packet.length;
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE(0);
  }

  /** Offsets and sizes beyond what a number holds exactly are nobody's. */
  uint64(): number {
    const value = this.#take(8).readBigUInt64BE(0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ProtocolError("a number that is too large");
    return Number(value);
  }

  bytes(): Buffer {
    return this.#take(this.uint32());
  }

  #take(length: number): Buffer {
    if (this.#position + length > this.#packet.length) throw new ProtocolError("a packet that was cut off");
    this.#position += length;
    return this.#packet.subarray(this.#position - length, this.#position);
  }
}

/** A field of four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** A field of eight bytes. */
export function uint64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** A field of bytes with their length before them. */
export function string(value: string | Buffer): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** A whole packet with its length before it. */
export function packet(type: number, ...fields: readonly Buffer[]): Buffer {
  const length = fields.reduce((sum, field) => sum + field.length, 1);
  return Buffer.concat([uint32(length), Buffer.from([type]), ...fields], length + 4);
}
