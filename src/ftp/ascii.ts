const [carriageReturn, lineFeed] = [0x0d, 0x0a];

/** Text on its way to the client: each line ends with CR LF. */
export async function* withNetworkLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let last = 0;
  for await (const chunk of source) {
    const bytes: number[] = [];
    for (const byte of chunk) {
      if (byte === lineFeed && last !== carriageReturn) bytes.push(carriageReturn);
      bytes.push(byte);
      last = byte;
    }
    yield Uint8Array.from(bytes);
  }
}

/** Text on its way from the client: each line ends with LF alone, as on this system. */
export async function* withSystemLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isPending = false;
  for await (const chunk of source) {
    const bytes: number[] = [];
    for (const byte of chunk) {
      if (isPending && byte !== lineFeed) bytes.push(carriageReturn);
      isPending = byte === carriageReturn;
      if (!isPending) bytes.push(byte);
    }
    if (bytes.length > 0) yield Uint8Array.from(bytes);
  }
  if (isPending) yield Uint8Array.of(carriageReturn);
}
