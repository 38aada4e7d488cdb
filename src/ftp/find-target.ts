import type { FolderEntry } from "#contract/api/files.ts";
import type { DoorPlace } from "#contract/internal/doors.ts";
import type { FilePath } from "#kit/door/remote-files.ts";
import { resolvePath, type Target, targetOf } from "#kit/door/virtual-path.ts";
import { Refusal } from "./failure-reply.ts";
import type { SessionCore, SignedIn } from "./session-core.ts";

/** A path inside a place. */
export interface Inside extends FilePath {
  readonly place: DoorPlace;
}

/** Who has signed in; the table of commands lets nobody else here. */
export function personOf(core: SessionCore): SignedIn {
  if (core.state.person === null) throw new Refusal(530, "Log in with USER and PASS first.");
  return core.state.person;
}

/** Where a path of a command leads. */
export function findTarget(core: SessionCore, given: string): { readonly parts: readonly string[]; readonly target: Target } {
  const parts = resolvePath(core.state.current, given);
  return { parts, target: targetOf(personOf(core).door.view, parts) };
}

/** A path that has to be inside a place. @throws {Refusal} */
export function inside(core: SessionCore, given: string): Inside {
  const { target } = findTarget(core, given);
  if (target.kind === "inside") return { siteId: target.place.siteId, path: target.path, place: target.place };
  throw new Refusal(550, target.kind === "nothing" ? "No such file or directory." : "Here are only your sites; go into one of them.");
}

/** The same for what changes something: not the place itself, and only where the person may write. @throws {Refusal} */
export function writable(core: SessionCore, given: string): Inside {
  const found = inside(core, given);
  if (!found.place.canWrite) throw new Refusal(550, "Not enough privileges.");
  if (found.path === "") throw new Refusal(550, "The folder of a site itself cannot be changed here.");
  return found;
}

/** What is at a path inside a place. @throws {Refusal} when nothing is. */
export async function existing(core: SessionCore, at: FilePath, options: { readonly follow: boolean } = { follow: true }): Promise<FolderEntry> {
  const entry = await personOf(core).files.stat(at, options);
  if (entry === null) throw new Refusal(550, "No such file or directory.");
  return entry;
}

/** A regular file. @throws {Refusal} for anything else. */
export async function existingFile(core: SessionCore, at: FilePath): Promise<FolderEntry> {
  const entry = await existing(core, at);
  if (entry.type !== "file") throw new Refusal(550, "Not a regular file.");
  return entry;
}
