/** Longest packet that is taken, in bytes: what OpenSSH takes. */
export const maxPacketBytes = 256 * 1024;

/** Something that is no SFTP; the session ends with it. */
export class ProtocolError extends Error {}

/** Cuts a stream of bytes into packets, each without its length. */
export class PacketReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** @throws {ProtocolError} for a packet that is empty or too long: where the next one begins is not known then. */
  feed(chunk: Buffer): readonly Buffer[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const packets: Buffer[] = [];
    while (this.#bytes >= 4) {
      const length = this.#front(4).readUInt32BE(0);
      if (length < 1 || length > maxPacketBytes) throw new ProtocolError(`a packet of ${length} bytes`);
      if (this.#bytes < 4 + length) break;
      packets.push(this.#front(4 + length).subarray(4, 4 + length));
      this.#drop(4 + length);
    }
    return packets;
  }

  // Chunks are joined only once a packet is whole: a packet in a thousand pieces is not copied a thousand times.
  #front(length: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #drop(length: number): void {
    const [first = Buffer.alloc(0)] = this.#chunks;
    this.#chunks[0] = first.subarray(length);
    if (first.length === length) this.#chunks.shift();
    this.#bytes -= length;
  }
}
