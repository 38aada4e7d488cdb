// Sites in a temporary folder for the swarm runtime, on a real engine.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { silentLog } from "#kit/log.ts";
import type { SiteRuntime, StartRequest } from "#orchestrator/runtime/site-runtime.ts";
import { createSwarmRuntime, type SwarmRuntimeOptions } from "#orchestrator/runtime/swarm/swarm-runtime.ts";
import { makeRun, makeSite, programFiles, type SiteGiven } from "./process-runtime-harness.ts";
import type { RuntimeUnderTest } from "./site-runtime-suite.ts";
import { enterCommands } from "./site-terminal-suite.ts";
import { type Swarm, type SwarmGiven, startSwarm } from "./swarm.ts";
import { importImages, nodeImage } from "./swarm-images.ts";

export interface SwarmRuntimeHarness extends RuntimeUnderTest {
  readonly swarm: Swarm;
  readonly options: SwarmRuntimeOptions;
  /** Another orchestrator's runtime, by default of the same node. */
  again(given?: Partial<SwarmRuntimeOptions>): SiteRuntime;
  make(given: SiteGiven & { readonly image?: string }): { readonly request: StartRequest; readonly printed: () => string };
}

export async function swarmRuntimeHarness(given: SwarmGiven & { readonly images?: readonly string[] } = {}): Promise<SwarmRuntimeHarness> {
  const { images = [nodeImage] } = given;
  const swarm = await startSwarm(given);
  try {
    await Promise.all(swarm.nodes.map((node) => importImages(node.docker, images)));
    return harnessOf(swarm, images[0] ?? nodeImage);
  } catch (error) {
    await swarm[Symbol.asyncDispose]();
    throw error;
  }
}

function harnessOf(swarm: Swarm, defaultImage: string): SwarmRuntimeHarness {
  const [node] = swarm.nodes;
  const home = { folder: join(swarm.folder, "home"), library: join(swarm.folder, "scripts") };
  const options: SwarmRuntimeOptions = {
    installation: `t${randomBytes(3).toString("hex").slice(0, 5)}`,
    engine: { host: node.host },
    managers: [],
    defaultImage,
    nodeAddress: null,
    routers: [swarm.network],
    closedNetworks: [],
    databaseFolder: null,
    home,
    inEngineNetwork: node.inNetwork,
    nameServers: ["192.0.2.53"],
    log: silentLog(),
    sitesFolder: join(swarm.folder, "sites"),
    stateFolder: join(swarm.folder, "state"),
  };
  const opened: SiteRuntime[] = [];
  const again = (more: Partial<SwarmRuntimeOptions> = {}): SiteRuntime => {
    const runtime = createSwarmRuntime({ ...options, ...more });
    opened.push(runtime);
    return runtime;
  };
  const make = ({ image, ...site }: SiteGiven & { readonly image?: string }) => {
    const output: { stream: "stdout" | "stderr"; text: string }[] = [];
    const made = makeSite(options.sitesFolder, site, (stream, text) => output.push({ stream, text }));
    const request = image === undefined ? made : { ...made, spec: { ...made.spec, image } };
    return { request, output, printed: () => output.map((chunk) => chunk.text).join("") };
  };
  return {
    swarm,
    options,
    runtime: again(),
    again,
    make,
    site: async (siteId, behaviour, more = {}) => make({ siteId, ...more, environment: { BEHAVIOUR: behaviour }, files: programFiles }),
    run: makeRun(options.sitesFolder, home.library),
    enter: async (key, behaviour, size) => {
      const { spec, folder } = makeSite(options.sitesFolder, { siteId: 31 }, () => undefined);
      return { key, spec, folder, command: enterCommands[behaviour], size, environment: {} };
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map((runtime) => runtime.close()));
      await swarm[Symbol.asyncDispose]();
    },
  };
}
