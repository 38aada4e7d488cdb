/** What a shell makes a word of by itself; anything else is quoted. */
const plain = /^[\w@%+=:,./-]+$/;

/**
 * Splits text into words as a shell does: at blanks, with single and double quotes and backslashes honoured. Nothing else of a shell
 * happens: `*`, `$`, `;`, `|` and their like stand for themselves. Null when a quote is not closed.
 */
export function splitWords(text: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | undefined;
  const pieces = /\\([\s\S]?)|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|([ \t\n]+)|([^\\'" \t\n]+)|['"]/g;
  for (const [matched, escaped, single, double, blank, bare] of text.matchAll(pieces)) {
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (escaped !== undefined) word = escaped === "\n" ? word : (word ?? "") + (escaped === "" ? "\\" : escaped);
    else if (single !== undefined) word = (word ?? "") + single;
    else if (double !== undefined) word = (word ?? "") + double.replace(/\\([$`"\\\n])/g, (_, char: string) => (char === "\n" ? "" : char));
    else if (bare !== undefined) word = (word ?? "") + bare;
    else if (matched !== "") return null;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** The other way round: text that a shell splits into these words. */
export function joinWords(words: readonly string[]): string {
  return words.map((word) => (plain.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}
