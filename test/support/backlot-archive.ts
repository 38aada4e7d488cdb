import { buffer } from "node:stream/consumers";
import { createGzip, gunzipSync, gzipSync } from "node:zlib";
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

/** An archive of so many empty files that tar-stream would take a minute over it: one header, numbered again and again. */
export async function packedEmptyFiles(count: number): Promise<Buffer> {
  const [name, digits] = ["public/f/", 7];
  const one = gunzipSync(await packedEntries([{ header: { name: `${name}${"0".repeat(digits)}` } }]));
  const headers: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const header = Buffer.from(one.subarray(0, 512));
    header.write(String(index).padStart(digits, "0"), name.length);
    // The checksum (6 octal digits, NUL, space at 148) is taken with eight spaces in its place.
    header.fill(" ", 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    headers.push(header);
  }
  return gzipSync(Buffer.concat([...headers, Buffer.alloc(1024)]), { level: 1 });
}
