import type { DoorPlace } from "#contract/internal/doors.ts";
import { pathText, resolvePath, type Target, targetOf } from "#kit/door/virtual-path.ts";
import { Refusal, statusCodes } from "./status.ts";

/** What a session sees: its places, or one of them as root. */
export interface PathView {
  readonly root: number | null;
  readonly places: readonly DoorPlace[];
}

/** A path inside a place. */
export interface Inside {
  readonly siteId: number;
  readonly path: string;
  readonly place: DoorPlace;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A path as a client sends it, from the root on. @throws {Refusal} for one that is not UTF-8. */
export function partsOf(bytes: Buffer): readonly string[] {
  return resolvePath([], textOf(bytes));
}

/** A name or path as text. @throws {Refusal} for one that is not UTF-8. */
export function textOf(bytes: Buffer): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw Object.assign(new Refusal(statusCodes.failure, "The name is not valid UTF-8."), { cause });
  }
  if (text.includes("\0")) throw new Refusal(statusCodes.failure, "A name cannot hold a zero byte.");
  return text;
}

/** Where a path leads. */
export function findTarget(view: PathView, bytes: Buffer): Target {
  return targetOf(view, partsOf(bytes));
}

/** A path that has to be inside a place. @throws {Refusal} */
export function inside(view: PathView, bytes: Buffer): Inside {
  const target = findTarget(view, bytes);
  if (target.kind === "inside") return { siteId: target.place.siteId, path: target.path, place: target.place };
  if (target.kind === "nothing") throw new Refusal(statusCodes.noSuchFile, "No such file or directory");
  throw new Refusal(statusCodes.permissionDenied, "Here are only your sites; go into one of them.");
}

/** The same for what changes something: not the place itself, and only where the person may write. @throws {Refusal} */
export function writable(view: PathView, bytes: Buffer): Inside {
  const found = inside(view, bytes);
  if (!found.place.canWrite) throw new Refusal(statusCodes.permissionDenied, "You may only read this site.");
  if (found.path === "") throw new Refusal(statusCodes.permissionDenied, "The folder of a site itself cannot be changed here.");
  return found;
}

/** A path without `.` and `..`, as REALPATH answers; `~` is the root. */
export function canonical(bytes: Buffer): string {
  const text = textOf(bytes);
  return pathText(resolvePath([], text === "~" || text.startsWith("~/") ? text.slice(1) : text));
}

/** A link's target as it is stored: one that begins at the session's root begins at `/site` for the site's own programs. */
export function storedTarget(view: PathView, at: Inside, given: string): string {
  if (!given.startsWith("/")) return given;
  const target = targetOf(view, resolvePath([], given));
  if (target.kind === "inside" && target.place.siteId === at.siteId) return target.path === "" ? "/site" : `/site/${target.path}`;
  throw new Refusal(statusCodes.permissionDenied, "A link has to stay in its site.");
}

/** The reverse: what is shown of a link's target. */
export function shownTarget(view: PathView, at: Inside, stored: string): string {
  if (stored !== "/site" && !stored.startsWith("/site/")) return stored;
  const rest = stored.slice("/site".length);
  const root = view.root === null ? `/${at.place.name}` : "";
  return `${root}${rest}` || "/";
}
