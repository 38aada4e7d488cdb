import type Docker from "dockerode";
import { siteDatabaseHost } from "#contract/site-database.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import type { RunFolders } from "../process/mount-view.ts";
import type { RunPlace } from "../run.ts";
import type { RuntimeCapabilities } from "../site-runtime.ts";
import type { RunGroups } from "./container-groups.ts";
import { type BoundFolder, inside } from "./container-plan.ts";
import type { DisposableContext } from "./disposable.ts";
import type { PortBook } from "./port-book.ts";
import type { SiteServices } from "./site-services.ts";

/** This node and the swarm that it is in, as it was found at the start. */
export interface SwarmMachine extends DisposableContext {
  readonly installation: string;
  readonly services: SiteServices;
  readonly nodeId: string;
  /** Where routers reach the ports of this node. */
  readonly nodeAddress: string;
  readonly defaultImage: string;
  readonly canForbidPrivileges: boolean;
  /** Folder of the socket of sites' databases as this node sees it. */
  readonly databaseFolder: string | null;
  readonly home: RunFolders | null;
  readonly nameServers: readonly string[];
  /** What this node can do now. */
  capabilities(): Promise<RuntimeCapabilities>;
  /** Why sites that could be kept apart here cannot be any more, in a sentence; null when they can, or never could. At once. */
  trouble(): string | null;
  /** Null where what runs use cannot be measured. */
  readonly runGroups: RunGroups | null;
  /** Asks the engine of this node, and again while it is being restarted. @throws {Failure} `component_away` when that lasts */
  whenThere<T>(ask: (docker: Docker) => Promise<T>): Promise<T>;
  /** How many more containers the bridge carries. An engine that is being restarted is waited for. @throws {Failure} `component_away` */
  room(): Promise<number>;
  /** The folders that an image declares as volumes; waits like `room`. @throws {Failure} `component_away`, `image_unusable` */
  volumesOf(image: string): Promise<readonly string[]>;
  /** Whose this node's ports are. */
  readonly ports: PortBook;
  /** Has the engine leave out the ports that rest. */
  skipPorts(): Promise<void>;
  /** Lets a container out, where it may go out and has an address; what it gives takes that back. @throws {Failure} `isolation_missing` */
  letOut(ip: string | null, hasEgress: boolean): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export function imageOf(machine: Pick<SwarmMachine, "defaultImage">, spec: Pick<SiteSpec, "image"> | null): string {
  return spec?.image ?? machine.defaultImage;
}

/** What a run or a shell sees of this node. */
export function boundFoldersOf({ home, databaseFolder }: Pick<SwarmMachine, "home" | "databaseFolder">, place: RunPlace): readonly BoundFolder[] {
  if (place.kind === "site") {
    const site = { source: place.folder, target: inside.site, isWritable: true };
    const hasDatabase = place.spec.database !== null && databaseFolder !== null;
    return hasDatabase ? [site, { source: databaseFolder, target: siteDatabaseHost, isWritable: false }] : [site];
  }
  if (home === null) throw new Error("this runtime was given no home folder");
  return [
    { source: home.folder, target: inside.homeFolder, isWritable: true },
    { source: home.library, target: inside.library, isWritable: false },
  ];
}
