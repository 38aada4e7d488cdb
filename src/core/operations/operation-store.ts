import type { Actor } from "../accounts/user.ts";
import type { Page, PageRequest } from "../page.ts";
import type { ActorSite } from "../sites/site.ts";
import type { NewOperation, Operation, OperationFailure } from "./operation.ts";

/** Operations as people see them. */
export interface OperationStore {
  /** Queues an operation on a site. @throws {Failure} `site_being_deleted`, `site_busy` when too many wait there already. */
  queue(site: ActorSite, operation: NewOperation): Promise<Operation>;
  /** Null unless the person can read its site, asked for it, or is an administrator. An id of another shape is null too. */
  forActor(actor: Actor, id: string): Promise<Operation | null>;
  /** Newest first. */
  listFor(site: ActorSite, request: PageRequest): Promise<Page<Operation>>;
}

/** An operation that one runner holds. `attempt` is the fence: whoever claims it later has a higher one. */
export interface ClaimedOperation extends Operation {
  readonly attempt: number;
}

/** What became of a step. */
export interface StepChange {
  readonly position: number;
  readonly state: "running" | "succeeded" | "failed" | "waiting";
  readonly attempt: number;
  readonly message: string | null;
}

/** How an operation ends. */
export type OperationResult = ({ readonly state: "succeeded" } | { readonly state: "failed"; readonly failure: OperationFailure }) & {
  readonly lastStep?: StepChange;
};

/** The queue of operations, for whoever runs them. Every method names the fence; a lost lease answers false and changes nothing. */
export interface OperationQueue {
  /**
   * Claims up to `limit` operations: the oldest of each site that has none running, queued ones that are due and running ones whose
   * lease has expired. One claimed is `running` and leased for `leaseMs`.
   */
  claim(request: { readonly owner: string; readonly leaseMs: number; readonly limit: number }): Promise<readonly ClaimedOperation[]>;
  /** Keeps the lease. */
  renew(claim: ClaimedOperation, owner: string, leaseMs: number): Promise<boolean>;
  /**
   * Records the progress of steps; starting sets a step's start, ending its end. A power failure may forget it until the operation
   * ends or anything else is written: then the step is done again, as after any other crash.
   */
  saveSteps(claim: ClaimedOperation, owner: string, changes: readonly StepChange[]): Promise<boolean>;
  /** Ends the operation, with what became of its last step where that was not recorded yet. */
  finish(claim: ClaimedOperation, owner: string, result: OperationResult): Promise<boolean>;
  /** Gives it back to be claimed after so long: a step is to be tried again later. The site stays blocked meanwhile. */
  postpone(claim: ClaimedOperation, owner: string, afterMs: number): Promise<boolean>;
  /** Milliseconds until the next operation falls due or a lease expires; null when nothing waits. */
  nextDueMs(): Promise<number | null>;
  /** Queues an operation that nobody asked for: the reconciler's. Null when the site has one waiting or running already. */
  queueForReconciler(siteId: number, operation: NewOperation): Promise<Operation | null>;
}
