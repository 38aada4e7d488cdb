import { Readable } from "node:stream";
import type { Task } from "#core/tasks/task.ts";
import { listedRowOf } from "./legacy-row.ts";
import { pythonJson } from "./python-text.ts";

/** The tasks of a day as the original lists them, written as they are read: a day may have a hundred thousand. What fails before the first is thrown. */
export async function listedDay(batches: AsyncIterable<readonly Task[]>): Promise<Readable> {
  const iterator = batches[Symbol.asyncIterator]();
  const first = await iterator.next();
  async function* pieces(): AsyncGenerator<Buffer> {
    let between = "[";
    try {
      for (let next = first; !next.done; next = await iterator.next()) {
        if (next.value.length === 0) continue;
        yield Buffer.from(between + next.value.map((task) => pythonJson(listedRowOf(task))).join(", "));
        between = ", ";
      }
      yield Buffer.from(between === "[" ? "[]" : "]");
    } finally {
      // The reader may be gone in the middle.
      await iterator.return?.();
    }
  }
  return Readable.from(pieces());
}
