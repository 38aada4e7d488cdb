import { createHash } from "node:crypto";
import { Failure } from "#contract/failure.ts";
import type { Bytes } from "./descriptor-io.ts";
import { type CommitOptions, type Committed, checkWritable, Draft, unlimited, type WriteBudget } from "./draft.ts";
import type { Jail } from "./jail.ts";
import { openFile } from "./read-file.ts";

/** A file written whole. */
export interface WriteRequest extends CommitOptions {
  readonly source: AsyncIterable<Bytes> | Iterable<Bytes>;
  /** Announced length; fewer or more bytes are `upload_incomplete`. */
  readonly expectedBytes?: number | undefined;
  readonly budget?: WriteBudget;
}

/** Writes a file whole and atomically, making its parents; when this throws, nothing was changed. */
export async function writeWhole(jail: Jail, path: string, request: WriteRequest): Promise<Committed & { readonly sha256: string; readonly size: number }> {
  const budget = request.budget ?? unlimited;
  await checkWritable(jail, path, request);
  if (request.expectedBytes !== undefined && request.expectedBytes > budget.fileBytes) throw new Failure("file_too_large", { limitBytes: budget.fileBytes });
  await using draft = new Draft(jail, budget);
  const sum = createHash("sha256");
  for await (const bytes of request.source) {
    // Summed up while the system writes.
    const written = draft.write(bytes, draft.size);
    for (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) sum.update(piece);
    await written;
  }
  if (request.expectedBytes !== undefined && request.expectedBytes !== draft.size) throw new Failure("upload_incomplete");
  const { size } = draft;
  const committed = await draft.commit(path, request);
  return { ...committed, sha256: sum.digest("hex"), size };
}

/** A draft that starts as a copy of what is there now (empty when nothing is): for editing in place by position. */
export async function draftOf(jail: Jail, path: string, budget: WriteBudget = unlimited): Promise<Draft> {
  const draft = new Draft(jail, budget);
  try {
    using file = openIfPresent(jail, path);
    for (let position = 0; file !== undefined && position < file.size; position = draft.size) {
      const chunk = await file.read(position, 1024 * 1024);
      if (chunk.length === 0) break;
      await draft.write(chunk, position);
    }
    return draft;
  } catch (error) {
    await draft[Symbol.asyncDispose]();
    throw error;
  }
}

function openIfPresent(jail: Jail, path: string): ReturnType<typeof openFile> | undefined {
  try {
    return openFile(jail, path);
  } catch (error) {
    if (error instanceof Failure && error.code === "file_not_found") return undefined;
    throw error;
  }
}
