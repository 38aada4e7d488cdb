/** What our services and containers carry, to be known again after a restart. */
export const labels = {
  installation: "backlot.installation",
  /** `site`, `run` or `enter`. */
  kind: "backlot.kind",
  site: "backlot.site",
  instance: "backlot.instance",
  revision: "backlot.revision",
  /** Which change of the site's node it was started after: who has a later one is responsible. */
  placement: "backlot.placement",
  /** Unlike that of every other start: a container of an earlier start of the same instance is another one. */
  start: "backlot.start",
  egress: "backlot.egress",
  /** Which change of the table of routes gave the site what others read of it: of two sites that say the same, the later one has it. */
  routeVersion: "backlot.route-version",
} as const;

export interface Identity {
  readonly siteId: number;
  readonly instance: string;
  readonly start: string;
}

/** Whose program a container of these labels is; null when it is no site's. */
export function identityIn(found: Readonly<Record<string, string>>, installation: string): Identity | null {
  const [site, instance, start] = [found[labels.site], found[labels.instance], found[labels.start]];
  if (found[labels.installation] !== installation || found[labels.kind] !== "site") return null;
  if (site === undefined || instance === undefined || start === undefined || !/^[1-9]\d*$/.test(site)) return null;
  return { siteId: Number(site), instance, start };
}
