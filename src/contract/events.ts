/** One server-sent event: its data as text, its name (`message` unless it has another), and where to go on from when it says so. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}

/** Longest event that is read, in characters; a longer one ends the stream with an error. */
const maxEventLength = 16 * 1024 * 1024;

/** Reads the body of a `text/event-stream` answer (WHATWG HTML, section 9.2) as a series of events. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let event = "message";
  let data: string[] = [];
  let id: string | undefined;
  for await (const line of readLines(body)) {
    if (line === "") {
      if (data.length > 0) yield { event, data: data.join("\n"), ...(id === undefined ? {} : { id }) };
      id = undefined;
      event = "message";
      data = [];
    } else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
    else if (line.startsWith("id:")) id = line.slice(line[3] === " " ? 4 : 3);
    else if (line.startsWith("event:")) event = line.slice(line[6] === " " ? 7 : 6);
  }
}

/** Reads a stream of text line by line; a last line without an end counts. */
export async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  try {
    while (true) {
      const { done, value } = await reader.read();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      yield* lines;
      if (rest.length > maxEventLength) throw new Error("a line of the stream is too long");
      if (done) break;
    }
    if (rest !== "") yield rest;
  } finally {
    // Reached also when the consumer stops early: the other side then sees the connection close.
    await reader.cancel().catch(() => undefined);
  }
}

/** One event as it goes over the wire; `id` is what a client that comes back names in `Last-Event-ID`. */
export function formatEvent(data: unknown, id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
