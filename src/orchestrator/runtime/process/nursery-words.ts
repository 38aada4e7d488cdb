/** What a nursery's gate reads of a command: the number of words, then of each word the number of its lines and these. */
export function nurseryWords(command: readonly string[]): string {
  const words = command.map((word) => `${word.split("\n").length}\n${word}\n`);
  return `${command.length}\n${words.join("")}`;
}
