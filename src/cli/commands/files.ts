import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { deletePath, folderListing, readFile, writeFile } from "#contract/api/files.ts";
import type { RawPayload } from "#contract/client.ts";
import { parseSitePath } from "#contract/site-path.ts";
import { usageError } from "../exit-code.ts";
import { openLocalBody } from "../local-body.ts";
import { destinationOf, saveDownload } from "../save-download.ts";
import { needSignIn, type Session } from "../session.ts";
import { bytesText, columnsOf } from "../terminal.ts";

/** Lists a folder of a site. */
export async function listFiles(session: Session, site: string, path: string): Promise<void> {
  needSignIn(session);
  const folder = sitePath(path);
  const response = await session.client.fetch(readFile, { params: { name: site, "*": folder === "" ? "" : `${folder}/` } });
  const { entries, truncated } = folderListing.parse(await response.json());
  const rows = entries.map((entry) => {
    const mark = entry.type === "folder" ? "/" : entry.executable ? "*" : "";
    const target = entry.target === undefined ? "" : ` -> ${entry.target}`;
    return [entry.type === "file" ? bytesText(entry.size) : entry.type, entry.modifiedAt, `${entry.name}${mark}${target}`];
  });
  if (truncated) session.note("There are more entries in this folder than are listed.");
  await session.answer({ entries, truncated }, columnsOf(rows));
}

/** Fetches a file to `to`, or to stdout without one. */
export async function getFile(session: Session, from: { readonly site: string; readonly path: string }, to: string | undefined): Promise<void> {
  needSignIn(session);
  const path = sitePath(from.path);
  if (path === "") throw usageError("Name a file of the site.");
  const isShown = to === undefined || to === "-";
  if (session.isJson && isShown) throw usageError("With --json, say where the file goes: backlot files get SITE PATH TO");
  const target = isShown ? undefined : (await isFolder(to)) ? `${to.replace(/\/$/, "")}/${basename(path)}` : to;
  const destination = target === undefined ? undefined : await destinationOf(target);
  const response = await session.client.fetch(readFile, { params: { name: from.site, "*": path } });
  const chunks = response.body ?? new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  if (destination === undefined) {
    for await (const chunk of chunks) await session.terminal.out(chunk);
    return;
  }
  const bytes = await saveDownload(chunks, destination);
  await session.answer({ path, to: destination.asked, bytes }, `${destination.asked} (${bytesText(bytes)})\n`);
}

/** Writes a file of a site from a local one, or from stdin by `-`. */
export async function putFile(session: Session, from: string, to: { readonly site: string; readonly path: string }): Promise<void> {
  needSignIn(session);
  if (from !== "-" && (await isFolder(from))) throw usageError(`${from} is a folder. Send a folder by \`backlot deploy\`.`);
  const isIntoFolder = to.path === "" || to.path.endsWith("/");
  if (isIntoFolder && from === "-") throw usageError("Say what the file is called on the site.");
  const path = sitePath(isIntoFolder ? `${to.path}${basename(from)}` : to.path);
  const send = (body: RawPayload) => session.client.fetch(writeFile, { params: { name: to.site, "*": path }, body });
  const response = from === "-" ? await send(piped(session)) : await sendLocal(from, send);
  await session.answer({ path, created: response.status === 201 }, `${path} ${response.status === 201 ? "written" : "replaced"}.\n`);
}

async function sendLocal(from: string, send: (body: RawPayload) => Promise<Response>): Promise<Response> {
  await using local = await openLocalBody(from);
  try {
    return await send(local.payload);
  } catch (error) {
    throw local.problem(error);
  }
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

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}
