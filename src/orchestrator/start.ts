import { mkdir, readdir } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyInstance } from "fastify";
import { Failure } from "#contract/failure.ts";
import { homeFolderId } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { steadyClock, systemClock } from "#kit/clock.ts";
import { readComponentKey } from "#kit/cluster-key.ts";
import { parseConfig } from "#kit/config.ts";
import { EpochTable } from "#kit/epochs.ts";
import { createVerifier } from "#kit/grant.ts";
import { componentGuard } from "#kit/http/component-guard.ts";
import { createServer } from "#kit/http/server.ts";
import type { FileOwner } from "#kit/jail/jail.ts";
import type { Keep } from "#kit/jail/keep-present.ts";
import type { RunningService, StartService } from "#kit/lifecycle.ts";
import type { Log } from "#kit/log.ts";
import { configSchema, type OrchestratorConfig } from "./config.ts";
import { DatabaseRelay } from "./database-relay.ts";
import { Deployments, type DeploymentsDeps } from "./deployments/deployments.ts";
import { mountDeployments } from "./deployments/mount-deployments.ts";
import { withHome } from "./files/home-folder.ts";
import { mountFiles } from "./files/mount-files.ts";
import { QuotaBook } from "./files/quota-book.ts";
import type { SiteShelf } from "./files/site-shelf.ts";
import { type FilePast, openPast } from "./history/open-past.ts";
import { LiveCapabilities } from "./live-capabilities.ts";
import { mountNode } from "./node-report.ts";
import { openPlaces } from "./open-places.ts";
import { openRuntime } from "./open-runtime.ts";
import { quotaWatchOf } from "./outgrown-sites.ts";
import { mountRuns } from "./runs/mount-runs.ts";
import { openRuns, runPlacesOf } from "./runs/open-runs.ts";
import type { RunBook } from "./runs/run-book.ts";
import { siteOwner } from "./runtime/process/site-owner.ts";
import type { SiteRuntime } from "./runtime/site-runtime.ts";
import { openLibrary } from "./scripts/script-library.ts";
import { defaultBackOff } from "./sites/back-off.ts";
import { HeldSites, type HeldSitesDeps } from "./sites/held-sites.ts";
import { mountSites } from "./sites/mount-sites.ts";
import { newInstanceKey } from "./sites/new-instance-key.ts";
import { openRests } from "./sites/open-rests.ts";
import { PlacementFence } from "./sites/placement-fence.ts";
import { PlacementWatch } from "./sites/placement-watch.ts";
import type { QuotaWatch } from "./sites/quota-watch.ts";
import type { SiteRests } from "./sites/site-rests.ts";
import { SpecStore } from "./sites/spec-store.ts";
import { StartGate } from "./sites/start-gate.ts";
import { StatusBoard } from "./sites/status-board.ts";
import { mountAccess } from "./terminals/mount-access.ts";
import { mountTerminals } from "./terminals/mount-terminals.ts";
import { openTerminals } from "./terminals/open-terminals.ts";
import type { TerminalBook } from "./terminals/terminal-book.ts";

/** What the machine gives, so that tests can give something else. */
export interface OrchestratorParts {
  readonly runtime: SiteRuntime;
  readonly ownerOf: (siteId: number) => FileOwner | null;
  readonly interpreters: () => Promise<Readonly<Record<string, string>>>;
}

const startersFolder = fileURLToPath(new URL("../../starters", import.meta.url));
/** What runs have to end well when the orchestrator is asked to end, which has two seconds for everything. */
const runsGraceMs = 1_000;
/** How often it is looked whether another orchestrator has taken over what runs here. */
const placementWatchMs = 1_000;
/** What a program that was taken over has to end by itself. */
const takenOverGraceMs = 500;
/** What is taken over starts so late at the earliest: the orchestrator before has looked once more by then, and has ended it. */
const takeOverMs = 4_000;
/** A start gives its turn back after this long, whether its program listens or not. */
const turnMs = 2_000;

/** Runs sites on this machine. */
export const start: StartService = async (environment, log) => {
  const config = parseConfig(configSchema, environment);
  const databaseSockets = resolve(config.BACKLOT_SITE_DATABASE_SOCKETS ?? join(config.BACKLOT_DATA, "site-postgres/run"));
  const opened = await openRuntime(config, databaseSockets, log);
  const orchestrator = await startOrchestrator({ config, log }, { ...opened, ownerOf: siteOwner });
  const address = config.BACKLOT_SITE_DATABASE_ADDRESS;
  if (address === undefined) return orchestrator;
  const relay = await DatabaseRelay.open({ folder: databaseSockets, address, log });
  return { ...orchestrator, stop: () => relay.closeAfter(orchestrator.stop()) };
};

/** The orchestrator itself; see `start`. */
export async function startOrchestrator(
  settings: { readonly config: OrchestratorConfig; readonly log: Log },
  parts: OrchestratorParts,
): Promise<RunningService> {
  const { config, log } = settings;
  const key = await readComponentKey(config.BACKLOT_COMPONENT_KEY_FILE);
  const places = await openPlaces(config);
  const specs = await SpecStore.open({ folder: join(places.state, "specs"), secret: key.secret, log });
  await openLibrary(runPlacesOf(config).libraryFolder);
  const capabilities = await LiveCapabilities.open({ ...parts, startersFolder, log });
  const leftPrograms = await parts.runtime.lasting?.left();

  const shelf: SiteShelf = { folderOf: (siteId) => places.folders.folderOf(siteId), specOf: (siteId) => specs.get(siteId), ownerOf: parts.ownerOf };
  const files = withHome(shelf, { folder: runPlacesOf(config).homeFolder, owner: parts.ownerOf(homeFolderId) });
  const quota = new QuotaBook({ sites: files, clock: steadyClock, reservedBytes: config.BACKLOT_DISK_RESERVE_BYTES });
  const past = await openPast({ config, log, sites: files }, places);
  const keeper = (siteId: number): Keep => past.history.keeper(siteId, { ended: "deploy", by: null });
  const deployments = await openDeployments({ sites: shelf, quota, clock: systemClock, log, keeper }, join(places.siteState, "deployments"));
  const fence = await PlacementFence.open({ folder: places.placements, node: places.id, clock: steadyClock, waitMs: takeOverMs });
  const checkRoom = async (siteId: number): Promise<void> => {
    await fence.demand(specs.get(siteId) ?? { siteId });
    await watch.checkRoom(siteId);
  };
  const runParts = { config, sites: shelf, runtime: parts.runtime, clock: systemClock, log, onSiteChanged: (siteId: number) => quota.doubt(siteId), checkRoom };
  const { runs, host } = await openRuns(runParts, join(places.state, "runs"));
  const epochs = new EpochTable();
  const terminals = openTerminals({ ...runParts, steady: steadyClock, epochs });
  const board = new StatusBoard();
  const watch = quotaWatchOf({ config, log, quota, runs, terminals, sites: () => sites });
  const sites = new HeldSites({
    checkRoom,
    leftPrograms: leftPrograms ?? [],
    specs,
    folders: places.folders,
    board,
    logFolder: join(places.siteState, "logs"),
    ownerOf: parts.ownerOf,
    ...comingAndGoing({ config, runtime: parts.runtime, runs, terminals, quota, deployments, past, fence }),
    runtime: parts.runtime,
    clock: systemClock,
    bootTimeoutMs: config.BACKLOT_SITE_BOOT_MS,
    graceMs: config.BACKLOT_SITE_GRACE_MS,
    unvisitedMs: config.BACKLOT_SITE_UNVISITED_MS,
    gate: new StartGate({ slots: config.BACKLOT_STARTS_AT_ONCE, heldMs: turnMs }),
    backOff: defaultBackOff,
    newInstance: newInstanceKey,
  });

  const guard = componentGuard({ audience: "orchestrator", verify: await createVerifier(key.managerPublicKey), epochs });
  const app = createServer({ log });
  mountFiles(app, guard, { sites: files, quota, ...past, epochs });
  mountDeployments(app, guard, { sites: shelf, quota, deployments, starterFolder: (name) => starterFolder(capabilities, name) });
  const rests = openRests({ config, sites, specs, capabilities, log });
  mountSites(app, guard, { sites, board, rests, epochs, capabilities });
  await mountNode(app, guard, { places, runtime: parts.runtime.kind, capabilities, sites: () => sites.all() });
  mountRuns(app, guard, { runs, host, epochs });
  mountTerminals(app, guard, terminals);
  mountAccess(app, guard, epochs);
  const url = await listen(app, config);
  // Nobody waits for it: what lies there belongs to nobody any more.
  void places.folders.sweep().catch((err: unknown) => log.error({ err }, "files of removed sites cannot be deleted"));
  watch.start();
  const placements = startPlacementWatch({ fence, sites, specs, runs, log, runtime: parts.runtime });
  past.history.start();
  log.info({ url, sites: sites.all().length }, "orchestrator is ready");
  return {
    doors: { orchestrator: url },
    stop: () => placements.stop().then(() => stop({ app, board, sites, rests, watch, runs, terminals, past, runtime: parts.runtime })),
  };
}

/** What happens beside its program when a site comes, goes for ever, or goes to another orchestrator. */
function comingAndGoing(parts: {
  readonly config: OrchestratorConfig;
  readonly runtime: SiteRuntime;
  readonly runs: RunBook;
  readonly terminals: TerminalBook;
  readonly quota: QuotaBook;
  readonly deployments: Deployments;
  readonly past: FilePast;
  readonly fence: PlacementFence;
}): Pick<HeldSitesDeps, "endRuns" | "forget" | "take" | "onHeld" | "letGo"> {
  const { config, runtime, runs, terminals, quota, deployments, past, fence } = parts;
  const isShared = config.BACKLOT_SHARED_FOLDER !== undefined;
  return {
    endRuns: async (siteId, why) => {
      await Promise.all([runs.endSite(siteId, why), terminals.endSite(siteId, "access_changed")]);
    },
    forget: async (siteId) => {
      quota.forget(siteId);
      await deployments.forget(siteId);
      await past.history.forget(siteId);
      await fence.forget(siteId);
      await runtime.lasting?.forget(siteId);
    },
    take: async (spec) => {
      await fence.take(spec);
      endEarlier(runtime, spec);
    },
    onHeld: (siteId) => (isShared ? deployments.recover([siteId]) : Promise.resolve()),
    letGo: async (siteId) => {
      await terminals.endSite(siteId, "access_changed");
      quota.forget(siteId);
      await past.history.release(siteId);
    },
  };
}

/** The orchestrator before may be gone while its programs run on: they end now, not when somebody visits. */
function endEarlier({ lasting }: SiteRuntime, { siteId, isTakenOver, placement = 0 }: SiteSpec): void {
  if (isTakenOver === true) lasting?.endEarlier(siteId, placement);
}

/** Ends what another orchestrator has taken over, and what this one has. */
function startPlacementWatch(parts: {
  readonly fence: PlacementFence;
  readonly sites: HeldSites;
  readonly specs: SpecStore;
  readonly runs: RunBook;
  readonly log: Log;
  readonly runtime: SiteRuntime;
}): PlacementWatch {
  const { fence, sites, specs, runs, log, runtime } = parts;
  // Some may have been taken over just before this orchestrator came in the place of another.
  for (const spec of specs.all()) endEarlier(runtime, spec);
  const watch = new PlacementWatch({
    fence,
    // What could not be left whole has no specification any more, and is left again.
    running: () => [
      ...[...new Set([...runs.liveSites(), ...sites.active().map(({ siteId }) => siteId)])].flatMap((siteId) => specs.get(siteId) ?? []),
      ...sites.halfGone(),
    ],
    leave: async ({ siteId, placement = 0 }) => {
      await Promise.all([
        sites.leave(siteId, { placement: placement + 1, graceMs: takenOverGraceMs }),
        runs.endSite(siteId, "Another machine has taken the site over."),
      ]);
    },
    log,
    everyMs: placementWatchMs,
  });
  watch.start();
  return watch;
}

/** Deployments, with what a crash interrupted brought to its end. */
async function openDeployments(deps: Omit<DeploymentsDeps, "stateFolder">, folder: string): Promise<Deployments> {
  const deployments = new Deployments({ ...deps, stateFolder: (siteId) => join(folder, String(siteId)) });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Most sites have never been deployed to: those are not looked at.
  await deployments.recover((await readdir(folder)).map(Number).filter((siteId) => deps.sites.specOf(siteId) !== undefined));
  return deployments;
}

// Only a name that was read from the folder at the start: what a caller sends never becomes a path.
function starterFolder(capabilities: LiveCapabilities, name: string): string {
  const names = capabilities.now.starters.map((starter) => starter.name);
  if (!names.includes(name)) throw new Failure("starter_not_found", { starter: name, starters: names });
  return join(startersFolder, name);
}

async function listen(app: FastifyInstance, config: OrchestratorConfig): Promise<string> {
  await app.listen({ host: config.BACKLOT_ORCHESTRATOR_HOST, port: config.BACKLOT_ORCHESTRATOR_PORT });
  // A TCP server that listens has an address of this kind.
  const { port } = app.server.address() as AddressInfo;
  const host = config.BACKLOT_ORCHESTRATOR_HOST === "0.0.0.0" ? "127.0.0.1" : config.BACKLOT_ORCHESTRATOR_HOST;
  return `http://${host}:${port}`;
}

async function stop(running: {
  readonly app: FastifyInstance;
  readonly board: StatusBoard;
  readonly sites: HeldSites;
  readonly rests: SiteRests;
  readonly watch: QuotaWatch;
  readonly runs: RunBook;
  readonly past: FilePast;
  readonly terminals: TerminalBook;
  readonly runtime: SiteRuntime;
}): Promise<void> {
  await Promise.all([running.watch.stop(), running.rests.close()]);
  running.board.close();
  await Promise.all([running.sites.close(), running.runs.close(runsGraceMs), running.terminals.close()]);
  await running.app.close();
  await running.past.close();
  await running.runtime.close();
}
