import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { usageError } from "./exit-code.ts";
import { plain, type Terminal } from "./terminal.ts";

/** Asks a question on stderr and reads one line from the keyboard; `isSecret` keeps what is typed off the screen. */
export async function ask(terminal: Terminal, question: string, isSecret = false): Promise<string> {
  if (!terminal.isInputTty) throw usageError(`There is no keyboard to ask "${question.trim()}" on. Give it as an option; see --help.`);
  let isMuted = false;
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (!isMuted) terminal.err(chunk.toString("utf8"));
      done();
    },
  });
  const lines = createInterface({ input: terminal.input, output, terminal: true, historySize: 0 });
  const abort = new AbortController();
  // readline swallows Ctrl-C while it reads; the person wants out.
  lines.once("SIGINT", () => abort.abort());
  lines.once("close", () => abort.abort());
  try {
    const answer = lines.question(plain(question), { signal: abort.signal });
    isMuted = isSecret;
    const text = await answer;
    if (isSecret) terminal.err("\n");
    return text;
  } catch (error) {
    if (abort.signal.aborted) {
      terminal.err("\n");
      throw usageError("Stopped.");
    }
    throw error;
  } finally {
    lines.close();
  }
}

/** Reads the first line of what is piped in: a password or a token. */
export async function readPipedLine(terminal: Terminal, limitCharacters = 10_000): Promise<string> {
  let text = "";
  for await (const chunk of terminal.input) {
    text += String(chunk);
    if (text.includes("\n") || text.length > limitCharacters) break;
  }
  const line = text.split(/\r?\n/)[0] ?? "";
  if (line === "") throw usageError("Nothing was piped in. Try: printf '%s' \"$PASSWORD\" | backlot login --user NAME --password-stdin");
  return line;
}
