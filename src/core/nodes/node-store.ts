import type { Node, NodeBeat } from "./node.ts";

/** Which orchestrator is responsible for a site. */
export interface Placement {
  /** Null: never placed, which is the first orchestrator. */
  readonly nodeId: string | null;
  /** Grows whenever another one becomes responsible. */
  readonly number: number;
}

/** A site with its placement. */
export interface PlacedSite {
  readonly siteId: number;
  readonly placement: Placement;
}

/** A change of a site's placement. */
export interface Move {
  readonly siteId: number;
  /** As it was when this was decided: otherwise nothing changes. */
  readonly from: Placement;
  readonly to: string;
  /** The one before was not heard any more. */
  readonly isTakenOver: boolean;
}

/** An orchestrator that was given a task. */
export interface RunPlace {
  readonly nodeId: string;
  /** The last attempt that it was given. */
  readonly attempt: number;
}

/** What the processes of the installation know of each other; shared by all managers and workers. */
export interface NodeStore {
  /** Notes heartbeats; the moment is the database's. */
  beat(beats: readonly NodeBeat[]): Promise<void>;
  all(): Promise<readonly Node[]>;
  /** Null when there is no such node. */
  setDrained(id: string, isDrained: boolean): Promise<Node | null>;
  /** Removes it. That runs were given to it stays noted: nobody else may be asked for them. Gone already is success. */
  remove(id: string): Promise<void>;
  /** Removes what is no orchestrator and was not heard for so long. */
  removeSilent(olderThanMs: number): Promise<void>;
}

/** Which orchestrator holds what. */
export interface PlacementStore {
  /** Null when there is no such site. */
  ofSite(siteId: number): Promise<Placement | null>;
  /** How many sites each orchestrator is responsible for; null is the key of those that were never placed. */
  counts(): Promise<ReadonlyMap<string | null, number>>;
  /** Sites of an orchestrator, by number; null for those that were never placed. */
  onNode(nodeId: string | null, limit: number): Promise<readonly PlacedSite[]>;
  /** Makes another orchestrator responsible: placement, revision and route version grow. False when it was changed meanwhile, or the site is gone. */
  move(move: Move): Promise<boolean>;
  /** The orchestrator to which an attempt of a task was given, known still or not; null when it is the first one. */
  ofRun(run: { readonly uid: string; readonly attempt: number | null }): Promise<string | null>;
  /** Every orchestrator, of those that are known, to which attempts of a task were given, with the last one each, the earliest first. */
  placesOfRun(uid: string): Promise<readonly RunPlace[]>;
  /** Notes it, before the orchestrator is asked. */
  placeRun(run: { readonly uid: string; readonly attempt: number }, nodeId: string): Promise<void>;
  forgetRun(uid: string): Promise<void>;
}
