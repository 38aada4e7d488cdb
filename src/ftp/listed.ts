import type { FolderEntry } from "#contract/api/files.ts";
import { Refusal } from "./failure-reply.ts";
import { existing, findTarget, personOf } from "./find-target.ts";
import { fitsPattern, type Listed } from "./listing.ts";
import type { SessionCore } from "./session-core.ts";

/** What LIST, NLST and STAT show of a path: a folder's entries, a file itself, or the entries that fit a pattern in its last part. */
export async function listedIn(core: SessionCore, argument: string): Promise<readonly Listed[]> {
  const { parts, target } = findTarget(core, argument);
  if (target.kind === "places") {
    await personOf(core).door.refresh();
    return places(core);
  }
  const name = parts.at(-1) ?? "";
  const person = personOf(core);
  if (target.kind === "inside") {
    const { canWrite } = target.place;
    const at = { siteId: target.place.siteId, path: target.path };
    const entry = target.path === "" ? null : await person.files.stat(at);
    if (target.path === "" || entry?.type === "folder") return (await person.files.list(at)).map((each) => ({ entry: each, canWrite }));
    if (entry !== null) return [{ entry: { ...entry, name }, canWrite }];
  }
  if (!/[*?]/.test(name)) throw new Refusal(550, "No such file or directory.");
  const siblings = await listedIn(core, `/${parts.slice(0, -1).join("/")}`);
  // As a shell does: hidden files only when the pattern says so.
  return siblings.filter(({ entry }) => fitsPattern(entry.name, name) && entry.name.startsWith(".") === name.startsWith("."));
}

/** The entries of what has to be a folder. */
export async function listedFolder(core: SessionCore, argument: string): Promise<readonly Listed[]> {
  const { target } = findTarget(core, argument);
  if (target.kind === "nothing") throw new Refusal(550, "No such file or directory.");
  if (target.kind === "inside" && target.path !== "") {
    const entry = await existing(core, { siteId: target.place.siteId, path: target.path });
    if (entry.type !== "folder") throw new Refusal(501, "No such directory.");
  }
  return listedIn(core, argument);
}

/** One path. */
export async function listedAt(core: SessionCore, argument: string): Promise<Listed> {
  const { parts, target } = findTarget(core, argument);
  if (target.kind === "nothing") throw new Refusal(550, "No such file or directory.");
  if (target.kind === "places") return { entry: folder("", personOf(core).since), canWrite: false };
  if (target.path === "") return { entry: folder(parts.at(-1) ?? "", personOf(core).since), canWrite: target.place.canWrite };
  const entry = await existing(core, { siteId: target.place.siteId, path: target.path });
  return { entry, canWrite: target.place.canWrite };
}

function places(core: SessionCore): readonly Listed[] {
  const { door, since } = personOf(core);
  return door.view.places.map(({ name, canWrite }) => ({ entry: folder(name, since), canWrite }));
}

function folder(name: string, since: Date): FolderEntry {
  return { name, type: "folder", size: 0, modifiedAt: since.toISOString(), executable: false };
}
