import { isSiteName } from "#contract/site.ts";

/** A site's address as the originals wrote it: `/~name/rest` or `/name/rest` on the sites' own domain. */
export interface PathForm {
  readonly name: string;
  /** The rest of the path with the query, beginning with a slash. */
  readonly rest: string;
}

/** Reads the name of a site out of a path on the bare sites domain; null when there is none. */
export function parsePathForm(target: string): PathForm | null {
  const match = /^\/~?([a-z0-9-]+)(?=[/?]|$)\/?(.*)$/i.exec(target);
  const name = match?.[1]?.toLowerCase() ?? "";
  return isSiteName(name) ? { name, rest: `/${match?.[2] ?? ""}` } : null;
}

/** Where a path form leads: the site's own host, at the port by which the visitor came. */
export function pathFormLocation(form: PathForm, siteHost: string, visited: { readonly scheme: string; readonly hostHeader: string }): string {
  const port = /:\d+$/.exec(visited.hostHeader)?.[0] ?? "";
  return `${visited.scheme}://${siteHost}${port}${form.rest}`;
}
