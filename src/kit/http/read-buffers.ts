// What one read from a fast connection may bring: twice what Node reads by itself, without its copy.
const largeBytes = 128 * 1024;
/** What is read at once of a head, or a short answer. */
export const smallBytes = 16 * 1024;
/** As many large buffers lie ready for the next transfer. */
const mostIdle = 64;

const idle: Buffer[] = [];

/** A buffer for the rest of an answer: a large one only while there is much to come. */
export function takeBuffer(expectedBytes: number): Buffer {
  // Not from Node's pool of small buffers, which would be held as a whole.
  if (expectedBytes <= smallBytes) return Buffer.allocUnsafeSlow(smallBytes);
  return idle.pop() ?? Buffer.allocUnsafeSlow(largeBytes);
}

/** Gives a buffer back that nobody reads or writes any more. */
export function giveBack(buffer: Buffer): void {
  if (buffer.length === largeBytes && idle.length < mostIdle) idle.push(buffer);
}
