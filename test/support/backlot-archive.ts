import { buffer } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import { type Header, pack } from "tar-stream";

/** A gzip-compressed tar archive of files by path. */
export async function packed(files: Readonly<Record<string, string>>): Promise<Buffer> {
  return packedEntries(Object.entries(files).map(([name, content]) => ({ header: { name }, content })));
}

/** An archive of any entries, also such as no honest program writes. */
export async function packedEntries(
  entries: readonly { readonly header: Partial<Header> & Pick<Header, "name">; readonly content?: string | Buffer }[],
): Promise<Buffer> {
  const archive = pack();
  for (const { header, content } of entries) archive.entry(header, content ?? "");
  archive.finalize();
  return buffer(archive.pipe(createGzip()));
}
