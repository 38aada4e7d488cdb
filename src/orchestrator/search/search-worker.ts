// A thread of its own for matching: a pattern of people's can take for ever, and then only this thread is ended. It has no file access to speak
// of: texts come by message, one after another, and so do answers.
import { parentPort, workerData } from "node:worker_threads";

interface Task {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** As many matches are still wanted. */
  readonly most: number;
}

/** One place of a match; see contract/api/files.ts. */
export interface FoundMatch {
  readonly line: number;
  readonly column: number;
  readonly length: number;
  readonly text: string;
  readonly textStart: number;
}
/** The answer to one text. */
export interface Found {
  readonly number: number;
  readonly matches: readonly FoundMatch[];
  /** There are more than were wanted. */
  readonly isCut: boolean;
}

/** Longest text that is shown of a line, in characters, and how many of them before the match. */
const shownLength = 300;
const shownBefore = 80;

const { source, flags } = workerData as { readonly source: string; readonly flags: string };
const pattern = new RegExp(source, flags);
const decoder = new TextDecoder();

parentPort?.on("message", (task: Task) => {
  parentPort?.postMessage(searchText(task));
});

function searchText({ number, bytes, most }: Task): Found {
  const matches: FoundMatch[] = [];
  let line = 0;
  for (const text of decoder.decode(bytes).split(/\r\n|\n|\r/)) {
    line += 1;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      if (matches.length >= most) return { number, matches, isCut: true };
      const [{ length }, column] = [match[0], match.index];
      const textStart = text.length <= shownLength ? 0 : Math.max(0, Math.min(column - shownBefore, text.length - shownLength));
      matches.push({ line, column, length, text: text.slice(textStart, textStart + shownLength), textStart });
      // An empty match would be found again and again; one a line is enough.
      if (length === 0) break;
    }
  }
  return { number, matches, isCut: false };
}
