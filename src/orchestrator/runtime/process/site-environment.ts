import { siteDatabaseVariables } from "#contract/site-database.ts";
import type { SiteSpec } from "#contract/site-spec.ts";

/** What the machine and the sandbox decide about a program's environment. */
export interface EnvironmentPlace {
  readonly host: string;
  readonly port: number;
  /** The site's `.home` as the program sees it. */
  readonly home: string;
  readonly path: string;
  /** The folder of the socket of sites' databases as the program sees it; absent where there is none. */
  readonly databaseHost?: string | null;
}

/** Every variable that a site's program sees; the platform's own names win over the site's. */
export function siteEnvironment(spec: SiteSpec, place: EnvironmentPlace): Readonly<Record<string, string>> {
  const { databaseHost = null } = place;
  return {
    LANG: "C.UTF-8",
    ...spec.environment,
    ...(spec.database === null || databaseHost === null ? {} : siteDatabaseVariables(spec.database, databaseHost)),
    PORT: String(place.port),
    HOST: place.host,
    TZ: spec.timeZone,
    HOME: place.home,
    PATH: place.path,
    USER: "site",
  };
}
