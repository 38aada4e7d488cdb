import { randomBytes, randomInt } from "node:crypto";
import type { Client, ClientChannel } from "ssh2";

/** A field of four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

/** A field of bytes with their length before them. */
export function field(bytes: string | Buffer): Buffer {
  return Buffer.concat([uint32(Buffer.byteLength(bytes)), Buffer.from(bytes)]);
}

/** SFTP by the packet: for what no client would send. */
export class RawSftp {
  readonly channel: ClientChannel;
  /** Resolves when the other side has closed it, too. */
  readonly closed: Promise<void>;
  /** How many replies have come. */
  replies = 0;
  readonly #waiting: ((reply: Buffer) => void)[] = [];
  #bytes: Buffer = Buffer.alloc(0);

  private constructor(channel: ClientChannel) {
    this.channel = channel;
    channel.on("error", () => undefined).on("data", (chunk: Buffer) => this.#take(chunk));
    this.closed = new Promise((resolve) => {
      channel.once("close", () => {
        for (const tell of this.#waiting.splice(0)) tell(Buffer.alloc(0));
        resolve();
      });
    });
  }

  /** Opens a channel, and says hello. */
  static async open(client: Client): Promise<RawSftp> {
    const channel = await new Promise<ClientChannel>((resolve, reject) => client.subsys("sftp", (error, made) => (error ? reject(error) : resolve(made))));
    const sftp = new RawSftp(channel);
    await sftp.ask(1, uint32(3));
    return sftp;
  }

  send(type: number, ...fields: readonly Buffer[]): void {
    const body = Buffer.concat([Buffer.from([type]), ...fields]);
    this.channel.write(Buffer.concat([uint32(body.length), body]));
  }

  /** Sends any request with anything in it. */
  sendRandom(): void {
    this.send(randomOf(requestTypes), randomBytes(4), ...randomFields());
  }

  /** Sends a packet and gives its reply, from its type on; nothing when the channel is closed instead. */
  ask(type: number, ...fields: readonly Buffer[]): Promise<Buffer> {
    const reply = new Promise<Buffer>((resolve) => void this.#waiting.push(resolve));
    this.send(type, ...fields);
    return reply;
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= 4) {
      const end = 4 + this.#bytes.readUInt32BE(0);
      if (this.#bytes.length < end) return;
      this.replies += 1;
      this.#waiting.shift()?.(this.#bytes.subarray(4, end));
      this.#bytes = this.#bytes.subarray(end);
    }
  }
}

/** Every request that there is, an extended one, and one that is none. */
const requestTypes = [...Array.from({ length: 18 }, (_, at) => at + 3), 200, 99];
const names = ["1", "2", "a", "a/b", "..", "/", "", "public/x", "posix-rename@openssh.com"];

/** Fields that make a whole request for most types, and others that lie. */
function randomFields(): readonly Buffer[] {
  const name = (): Buffer => field(randomInt(5) === 0 ? randomBytes(randomInt(30)) : randomOf(names));
  const shape = randomInt(20);
  if (shape === 0) return [randomBytes(randomInt(40))];
  // What ends too early would end the session, too.
  const rest = Buffer.alloc(100);
  if (shape < 7) return [name(), name(), rest];
  if (shape < 13) return [name(), uint32(randomInt(64)), rest];
  return [name(), uint64(BigInt(randomInt(100_000))), field(randomBytes(randomInt(2_000))), rest];
}

function randomOf<T>(all: readonly T[]): T {
  // Never beyond its end.
  return all[randomInt(all.length)] as T;
}
