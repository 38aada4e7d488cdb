import type { FolderEntry } from "#contract/api/files.ts";
import type { DoorSession } from "#kit/door/door-session.ts";
import type { RemoteFiles } from "#kit/door/remote-files.ts";
import type { Listed } from "./attributes.ts";
import { findTarget, type Inside, inside, shownTarget, storedTarget, textOf, writable } from "./paths.ts";
import { Refusal, statusCodes } from "./status.ts";

/** Whose files, and since when: folders that are no real ones have that time. */
export interface FilesOf {
  readonly door: DoorSession;
  readonly files: RemoteFiles;
  readonly since: Date;
}

/** What is at a path. @throws {Refusal} when nothing is. */
export async function stat(of: FilesOf, path: Buffer, follow: boolean): Promise<Listed> {
  const target = findTarget(of.door.view, path);
  if (target.kind === "nothing") throw nothing();
  if (target.kind === "places") return { entry: folder("", of.since), canWrite: false };
  const { canWrite, siteId } = target.place;
  const entry = await of.files.stat({ siteId, path: target.path }, { follow });
  if (entry === null) throw nothing();
  return { entry, canWrite };
}

/** The entries of a folder, with itself and the one above, as clients expect. */
export async function list(of: FilesOf, path: Buffer): Promise<readonly Listed[]> {
  const target = findTarget(of.door.view, path);
  if (target.kind === "nothing") throw nothing();
  if (target.kind === "places") {
    await of.door.refresh();
    return [...dots(of.since, false), ...of.door.view.places.map(({ name, canWrite }) => ({ entry: folder(name, of.since), canWrite }))];
  }
  const { canWrite, siteId } = target.place;
  const entries = await of.files.list({ siteId, path: target.path });
  return [...dots(of.since, canWrite), ...entries.map((entry) => ({ entry, canWrite }))];
}

export async function makeFolder(of: FilesOf, path: Buffer): Promise<void> {
  const at = writable(of.door.view, path);
  const parent = at.path.includes("/") ? at.path.slice(0, at.path.lastIndexOf("/")) : "";
  const [present, above] = await Promise.all([of.files.stat(at, { follow: false }), parent === "" ? null : of.files.stat({ ...at, path: parent })]);
  if (present !== null) throw new Refusal(statusCodes.failure, "File exists");
  if (parent !== "" && above === null) throw nothing();
  await of.files.makeFolder(at);
}

/** Deletes a folder, or what is none. */
export async function remove(of: FilesOf, path: Buffer, kind: "file" | "folder"): Promise<void> {
  const at = writable(of.door.view, path);
  const entry = await of.files.stat(at, { follow: false });
  if (entry === null) throw nothing();
  if ((entry.type === "folder") !== (kind === "folder")) throw new Refusal(statusCodes.failure, kind === "folder" ? "Not a directory" : "Is a directory");
  await of.files.delete(at);
}

export async function rename(of: FilesOf, paths: { readonly from: Buffer; readonly to: Buffer }, replace: boolean): Promise<void> {
  const { view } = of.door;
  const [from, to] = [writable(view, paths.from), writable(view, paths.to)];
  if (from.siteId !== to.siteId) throw new Refusal(statusCodes.failure, "Files cannot be moved from one site to another here: copy them, then delete them.");
  if (from.path === to.path) return;
  await of.files.move(from.siteId, from.path, { path: to.path, replace });
}

/** A link's target as it is shown. */
export async function readLink(of: FilesOf, path: Buffer): Promise<string> {
  const { view } = of.door;
  const at = inside(view, path);
  const entry = await of.files.stat(at, { follow: false });
  if (entry === null) throw nothing();
  if (entry.type !== "link" || entry.target === undefined) throw new Refusal(statusCodes.failure, "Not a link");
  return shownTarget(view, at, entry.target);
}

export async function makeLink(of: FilesOf, target: Buffer, path: Buffer): Promise<void> {
  const { view } = of.door;
  const at: Inside = writable(view, path);
  await of.files.link(at, storedTarget(view, at, textOf(target)));
}

function dots(since: Date, canWrite: boolean): readonly Listed[] {
  return [".", ".."].map((name) => ({ entry: folder(name, since), canWrite }));
}

function folder(name: string, since: Date): FolderEntry {
  return { name, type: "folder", size: 0, modifiedAt: since.toISOString(), executable: false };
}

function nothing(): Refusal {
  return new Refusal(statusCodes.noSuchFile, "No such file or directory");
}
