import { parseUrlPath } from "#contract/site-path.ts";

/** What a URL names below `public/`. */
export interface StaticPath {
  readonly names: readonly string[];
  /** The URL ends in a slash: the folder's index.html is meant. */
  readonly isFolder: boolean;
  /** Part of it begins with a dot, which is nobody's business (`.well-known` at the top is for everyone). */
  readonly isHidden: boolean;
}

/** Parses a request's path. @throws {Failure} `path_invalid` for encoded slashes, NUL, backslashes, `..` and their like. */
export function parseStaticPath(path: string): StaticPath {
  const { path: decoded, isFolder } = parseUrlPath(path.slice(1));
  const names = decoded === "" ? [] : decoded.split("/");
  const isHidden = names.some((name, index) => name.startsWith(".") && !(index === 0 && name === ".well-known"));
  return { names, isFolder, isHidden };
}

/** Where a folder without its slash really is. Built from decoded names, so that it never leads to another host. */
export function folderLocation(names: readonly string[], query: string): string {
  return `/${names.map(encodeURIComponent).join("/")}/${query}`;
}
