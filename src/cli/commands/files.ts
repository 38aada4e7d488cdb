import { createWriteStream, openAsBlob } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { deletePath, folderListing, readFile, writeFile } from "#contract/api/files.ts";
import { Failure } from "#contract/failure.ts";
import { parseSitePath } from "#contract/site-path.ts";
import { CliError, usageError } from "../exit-code.ts";
import { needSignIn, type Session } from "../session.ts";
import { bytesText, columnsOf, plain } from "../terminal.ts";

/** Lists a folder of a site. */
export async function listFiles(session: Session, site: string, path: string): Promise<void> {
  needSignIn(session);
  const folder = sitePath(path);
  const response = await session.client.fetch(readFile, { params: { name: site, "*": folder === "" ? "" : `${folder}/` } });
  const { entries } = folderListing.parse(await response.json());
  const rows = entries.map((entry) => {
    const mark = entry.type === "folder" ? "/" : entry.executable ? "*" : "";
    const target = entry.target === undefined ? "" : ` -> ${plain(entry.target)}`;
    return [entry.type === "file" ? bytesText(entry.size) : entry.type, entry.modifiedAt, `${plain(entry.name)}${mark}${target}`];
  });
  await session.answer({ entries }, columnsOf(rows));
}

/** Fetches a file to `to`, or to stdout without one. */
export async function getFile(session: Session, from: { readonly site: string; readonly path: string }, to: string | undefined): Promise<void> {
  needSignIn(session);
  const path = sitePath(from.path);
  if (session.isJson && to === undefined) throw usageError("With --json, say where the file goes: backlot files get SITE PATH TO");
  const response = await session.client.fetch(readFile, { params: { name: from.site, "*": path } });
  const chunks = response.body ?? new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  if (to === undefined || to === "-") {
    for await (const chunk of chunks) await session.terminal.out(chunk);
    return;
  }
  const target = (await isFolder(to)) ? `${to.replace(/\/$/, "")}/${basename(path)}` : to;
  const bytes = await saveWhole(chunks, target);
  await session.answer({ path, to: target, bytes }, `${target} (${bytesText(bytes)})\n`);
}

/** Writes a file of a site from a local one, or from stdin by `-`. */
export async function putFile(session: Session, from: string, to: { readonly site: string; readonly path: string }): Promise<void> {
  needSignIn(session);
  if (from !== "-" && (await isFolder(from))) throw usageError(`${from} is a folder. Send a folder by \`backlot deploy\`.`);
  const isIntoFolder = to.path === "" || to.path.endsWith("/");
  if (isIntoFolder && from === "-") throw usageError("Say what the file is called on the site.");
  const path = sitePath(isIntoFolder ? `${to.path}${basename(from)}` : to.path);
  const body = from === "-" ? piped(session) : await blobOf(from);
  const response = await session.client.fetch(writeFile, { params: { name: to.site, "*": path }, body });
  await session.answer({ path, created: response.status === 201 }, `${path} ${response.status === 201 ? "written" : "replaced"}.\n`);
}

/** Deletes a file of a site, or a folder with `--recursive`. */
export async function removeFile(
  session: Session,
  at: { readonly site: string; readonly path: string },
  options: { readonly recursive?: boolean },
): Promise<void> {
  needSignIn(session);
  const path = sitePath(at.path);
  if (path === "") throw usageError("Name a file or a folder; a whole site is deleted by `backlot rm`.");
  await session.client.call(deletePath, { params: { name: at.site, "*": path }, query: { recursive: options.recursive } });
  await session.answer({ path }, `${path} deleted.\n`);
}

/** Judged here already: fetch would resolve `..` out of the address before the server could refuse it. */
function sitePath(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return parseSitePath(trimmed).join("/");
}

async function* piped(session: Session): AsyncGenerator<Uint8Array> {
  for await (const chunk of session.terminal.input) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

async function blobOf(path: string): Promise<Blob> {
  try {
    return await openAsBlob(path);
  } catch (cause) {
    throw new CliError("file_missing", `${path} cannot be read.`, { exitCode: 2, cause });
  }
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}

/** A download that breaks off leaves nothing behind that looks like the file. */
async function saveWhole(chunks: ReadableStream<Uint8Array>, target: string): Promise<number> {
  const draft = `${target}.part-${process.pid}`;
  try {
    // The web's and Node's own type of the same stream differ in name only.
    await pipeline(Readable.fromWeb(chunks as Parameters<typeof Readable.fromWeb>[0]), createWriteStream(draft));
    await rename(draft, target);
    return (await stat(target)).size;
  } catch (error) {
    await rm(draft, { force: true });
    if (error instanceof TypeError) throw new Failure("component_away", { component: "server" }, { cause: error });
    throw error;
  }
}
