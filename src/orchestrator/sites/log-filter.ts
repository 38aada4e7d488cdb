import { type LogLine, logStreams } from "#contract/internal/orchestrator.ts";

/** Chooses among the JSON lines of a log; null when all of them are wanted. */
export function logFilter(wanted: { readonly query: string; readonly stream: string }): ((text: string) => string) | null {
  const names = wanted.stream.split(",").map((name) => name.trim());
  const streams = logStreams.filter((stream) => names.includes(stream));
  const query = wanted.query.toLowerCase();
  if (query === "" && wanted.stream.trim() === "") return null;
  const isWanted = (text: string): boolean => {
    if (text === "") return false;
    // Written by ourselves, each a whole line.
    const { stream, line } = JSON.parse(text) as LogLine;
    return (wanted.stream.trim() === "" || streams.includes(stream)) && line.toLowerCase().includes(query);
  };
  return (text) =>
    text
      .split("\n")
      .filter(isWanted)
      .map((line) => `${line}\n`)
      .join("");
}

/** A log as it goes on, with only what is wanted of it. */
export async function* filtered(texts: AsyncIterable<string>, filter: (text: string) => string): AsyncGenerator<string> {
  for await (const text of texts) {
    const chosen = filter(text);
    if (chosen !== "") yield chosen;
  }
}
