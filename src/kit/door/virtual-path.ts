import type { DoorPlace } from "#contract/internal/doors.ts";

/** What a path at the door means: the folder with all places, something in one of them, or nothing. */
export type Target = { readonly kind: "places" } | { readonly kind: "inside"; readonly place: DoorPlace; readonly path: string } | { readonly kind: "nothing" };

/** A path from the root on, as parts: `..` ends at the root, `.` and doubled slashes vanish. */
export function resolvePath(current: readonly string[], given: string): readonly string[] {
  const parts: string[] = given.startsWith("/") ? [] : [...current];
  for (const part of given.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts;
}

/** As it is shown: `/public/a b.html`. */
export function pathText(parts: readonly string[]): string {
  return `/${parts.join("/")}`;
}

/** In a reply: quotes are doubled (RFC 959, appendix II). */
export function quotedPath(parts: readonly string[]): string {
  return `"${pathText(parts).replaceAll('"', '""')}"`;
}

/** Where a path leads. With a root each path is inside it; without one, the first part names the place. */
export function targetOf(view: { readonly root: number | null; readonly places: readonly DoorPlace[] }, parts: readonly string[]): Target {
  if (view.root !== null) {
    const place = view.places.find(({ siteId }) => siteId === view.root);
    return place === undefined ? { kind: "nothing" } : { kind: "inside", place, path: parts.join("/") };
  }
  const [name, ...rest] = parts;
  if (name === undefined) return { kind: "places" };
  const place = view.places.find((candidate) => candidate.name === name);
  return place === undefined ? { kind: "nothing" } : { kind: "inside", place, path: rest.join("/") };
}
