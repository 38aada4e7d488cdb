import { z } from "zod";

/** Where a site's program finds the socket of its database inside its sandbox. */
export const siteDatabaseHost = "/run/postgresql";
/** PostgreSQL makes the socket's name of it; nothing listens there over the network. */
export const siteDatabasePort = 5432;

/** What a site's program signs in to its database with. */
export const siteDatabaseCredentials = z.object({
  name: z.string(),
  username: z.string(),
  password: z.string(),
});
export type SiteDatabaseCredentials = z.output<typeof siteDatabaseCredentials>;

/** The database of a site and the role that owns it, as the server calls both. */
export function siteDatabaseName(siteId: number): string {
  return `site_${siteId}`;
}

/** The environment variables of the database, by the names of the original. `host` is the folder of the socket. */
export function siteDatabaseVariables(database: SiteDatabaseCredentials, host: string): Readonly<Record<string, string>> {
  const { name, username, password } = database;
  const folder = host.split("/").map(encodeURIComponent).join("/");
  const url = `postgresql://${encodeURIComponent(username)}:${encodeURIComponent(password)}@localhost/${encodeURIComponent(name)}?host=${folder}`;
  return {
    DATABASE_URL: url,
    DIRECTOR_DATABASE_URL: url,
    DIRECTOR_DATABASE_TYPE: "postgres",
    DIRECTOR_DATABASE_HOST: host,
    DIRECTOR_DATABASE_PORT: String(siteDatabasePort),
    DIRECTOR_DATABASE_NAME: name,
    DIRECTOR_DATABASE_USERNAME: username,
    DIRECTOR_DATABASE_PASSWORD: password,
  };
}
