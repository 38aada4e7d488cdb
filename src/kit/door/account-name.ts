/**
 * What somebody types as user name at a door: `USER`, or `USER/SITE` for one site as root. `USER+SITE` means the same: scp and rsync
 * take what has a slash before its colon for a file of their own.
 */
export function parseAccountName(given: string): { readonly username: string; readonly site: string | null } {
  const [, username = "", site] = /^([^/+]*)(?:[/+]([\s\S]*))?$/.exec(given) ?? [];
  return { username: username.trim(), site: site === undefined ? null : site.trim() };
}
