import { join, resolve } from "node:path";
import type { Log } from "#kit/log.ts";
import type { OrchestratorConfig } from "./config.ts";
import { runPlacesOf } from "./runs/open-runs.ts";
import { probeInterpreters } from "./runtime/process/interpreters.ts";
import { createProcessRuntime } from "./runtime/process/process-runtime.ts";
import type { SiteRuntime } from "./runtime/site-runtime.ts";

/** A runtime as the settings choose it, and what sites find in it. */
export interface OpenedRuntime {
  readonly runtime: SiteRuntime;
  readonly interpreters: () => Promise<Readonly<Record<string, string>>>;
}

/** Opens it. The client of Docker's API is read where there is a swarm only: it is a fifth of what an orchestrator's start takes. */
export async function openRuntime(config: OrchestratorConfig, databaseSockets: string, log: Log): Promise<OpenedRuntime> {
  const data = resolve(config.BACKLOT_DATA);
  const { homeFolder, libraryFolder } = runPlacesOf(config);
  const shared = {
    closedNetworks: listOf(config.BACKLOT_EGRESS_CLOSED),
    stateFolder: join(data, "orchestrator/runtime"),
    sitesFolder: join(resolve(config.BACKLOT_SHARED_FOLDER ?? data), "sites"),
    home: { folder: homeFolder, library: libraryFolder },
    log,
  };
  if (config.BACKLOT_RUNTIME === "process") return { runtime: createProcessRuntime({ ...shared, databaseSockets }), interpreters: probeInterpreters };
  const [{ createSwarmRuntime }, { imageInterpreters }, { traefikLabels }, { sitePort }, { installationIn }] = await Promise.all([
    import("./runtime/swarm/swarm-runtime.ts"),
    import("./runtime/swarm/image-interpreters.ts"),
    import("./runtime/swarm/traefik-labels.ts"),
    import("./runtime/swarm/container-plan.ts"),
    import("./runtime/swarm/installation.ts"),
  ]);
  const certificates = config.DOCKER_CERT_PATH;
  const domain = config.BACKLOT_TRAEFIK_SITES_DOMAIN;
  const siteState = config.BACKLOT_SHARED_FOLDER === undefined ? join(data, "orchestrator") : join(resolve(config.BACKLOT_SHARED_FOLDER), "sites-state");
  const runtime = createSwarmRuntime({
    ...shared,
    installation: await installationIn(siteState, shared.sitesFolder),
    engine: { host: config.DOCKER_HOST, certificates },
    managers: listOf(config.BACKLOT_SWARM_MANAGER).map((host) => ({ host, certificates })),
    defaultImage: config.BACKLOT_SWARM_IMAGE,
    ...(config.BACKLOT_TRAEFIK_NETWORK === undefined ? {} : { traefikNetwork: config.BACKLOT_TRAEFIK_NETWORK }),
    staticImage: config.BACKLOT_STATIC_IMAGE,
    nodeAddress: config.BACKLOT_SWARM_NODE_ADDRESS ?? null,
    routers: listOf(config.BACKLOT_SWARM_ROUTERS),
    databaseFolder: databaseSockets,
    inEngineNetwork: [],
    nameServers: null,
    ...(domain === undefined ? {} : { labelsOf: ({ name }) => traefikLabels({ name, hosts: [`${name}.${domain}`], port: sitePort }) }),
  });
  return { runtime, interpreters: () => imageInterpreters(runtime) };
}

function listOf(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
