/** What somebody types as user name at a door: `USER`, or `USER/SITE` for one site as root. */
export function parseAccountName(given: string): { readonly username: string; readonly site: string | null } {
  const slash = given.indexOf("/");
  return slash === -1 ? { username: given.trim(), site: null } : { username: given.slice(0, slash).trim(), site: given.slice(slash + 1).trim() };
}
