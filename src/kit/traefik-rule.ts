/** A host name as it may stand in a rule or a label of Traefik: nothing in it can end the text that it stands in, or be filled in by a template. */
const hostName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** Whether a host may stand in a rule or a label of Traefik. */
export function isTraefikHost(host: string): boolean {
  return hostName.test(host);
}

/**
 * The rule that matches these hosts, in the form that versions 2 and 3 read alike.
 * @throws {Error} for a host that is no plain lower-case name, and for none at all.
 */
export function traefikHostRule(hosts: readonly string[]): string {
  if (hosts.length === 0) throw new Error("a rule of Traefik needs a host");
  const odd = hosts.find((host) => !isTraefikHost(host));
  if (odd !== undefined) throw new Error(`${JSON.stringify(odd)} cannot stand in a rule of Traefik`);
  return hosts.map((host) => `Host(\`${host}\`)`).join(" || ");
}
