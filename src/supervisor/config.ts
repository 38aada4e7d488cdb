import { z } from "zod";
import { port } from "#kit/config.ts";
import { sitesDomain, sitesUrlPattern } from "#kit/public-address.ts";

/** What `backlot start` reads. Settings of the processes that it starts stand in their own `config.ts` and are passed on. */
export const configSchema = z.object({
  BACKLOT_DATA: z.string().default("./data").describe("The folder that holds everything Backlot keeps: sites, database, keys"),
  BACKLOT_HOST: z.string().default("127.0.0.1").describe("The address at which the public doors listen; 0.0.0.0 for every address of this machine"),
  BACKLOT_PORT: port.default(8000).describe("The port of the dashboard and the API; 0 takes any free one"),
  BACKLOT_ROUTER_PORT: port.default(8080).describe("The port of the sites; 0 takes any free one"),
  BACKLOT_ROUTER_ADMIN_HOST: z
    .string()
    .default("127.0.0.1")
    .describe(
      "The address of the router's internal API, for managers, workers or Traefik on other machines; all of it asks for a token, none of it is encrypted",
    ),
  BACKLOT_ROUTER_ADMIN_PORT: port.default(0).describe("The port of the router's internal API; 0 takes any free one"),
  BACKLOT_FTP_HOST: z.string().optional().describe("The address at which FTP listens; that of BACKLOT_HOST unless given"),
  BACKLOT_FTP_PORT: port.default(2121).describe("The port of FTP and FTPS; 0 takes any free one"),
  BACKLOT_SSH_HOST: z.string().optional().describe("The address at which SSH listens; that of BACKLOT_HOST unless given"),
  BACKLOT_SSH_PORT: port.default(2222).describe("The port of SSH and SFTP; 0 takes any free one"),
  BACKLOT_PUBLIC_URL: z.url().optional().describe("The dashboard's address as people type it; by default http://localhost and BACKLOT_PORT"),
  BACKLOT_SITES_DOMAIN: sitesDomain.describe("The domain under which sites stand: NAME.localhost by default"),
  BACKLOT_SITES_URL_PATTERN: sitesUrlPattern.describe(
    "A site's address as people type it, with {name} as the first part of its host, when a proxy stands before the router",
  ),
  DATABASE_URL: z
    .string()
    .optional()
    .describe("A PostgreSQL server, postgres://user:password@host/database; without it Backlot starts a private one in BACKLOT_DATA")
    .meta({ secret: true }),
});
export type SupervisorConfig = z.output<typeof configSchema>;
