import type { EndpointShape } from "../endpoint.ts";
import { accountEndpoints } from "./accounts.ts";
import { cacheEndpoints } from "./cache.ts";
import { databaseEndpoints } from "./database.ts";
import { fileEndpoints } from "./files.ts";
import { imageEndpoints } from "./images.ts";
import { keyEndpoints } from "./keys.ts";
import { memberEndpoints } from "./members.ts";
import { nodeEndpoints } from "./nodes.ts";
import { operationEndpoints } from "./operations.ts";
import { scheduleEndpoints } from "./schedules.ts";
import { siteEndpoints } from "./sites.ts";
import { systemEndpoints } from "./system.ts";
import { taskEndpoints } from "./tasks.ts";
import { terminalEndpoints } from "./terminals.ts";
import { trafficEndpoints } from "./traffic.ts";

/** Everything that people and their programs can call; the OpenAPI document is made of it. */
export const publicEndpoints: readonly EndpointShape[] = [
  ...accountEndpoints,
  ...keyEndpoints,
  ...siteEndpoints,
  ...memberEndpoints,
  ...operationEndpoints,
  ...systemEndpoints,
  ...cacheEndpoints,
  ...trafficEndpoints,
  ...databaseEndpoints,
  ...fileEndpoints,
  ...terminalEndpoints,
  ...taskEndpoints,
  ...scheduleEndpoints,
  ...nodeEndpoints,
  ...imageEndpoints,
];
