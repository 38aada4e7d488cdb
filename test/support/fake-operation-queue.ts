import type { NewOperation, Step } from "#core/operations/operation.ts";
import type { ClaimedOperation, OperationQueue, OperationResult, StepChange } from "#core/operations/operation-store.ts";

/** A queue in memory that keeps one operation, for tests of the runner. `takeOver` plays another runner. */
export class FakeOperationQueue implements OperationQueue {
  operation: ClaimedOperation;
  #owner: string | null = null;
  #dueAt = 0;
  readonly #ended = Promise.withResolvers<void>();

  constructor(operation: NewOperation, siteId = 1) {
    const steps: readonly Step[] = operation.steps.map((step) => ({ ...step, state: "waiting", attempt: 0, message: null, startedAt: null, finishedAt: null }));
    const at = new Date(0);
    this.operation = {
      ...operation,
      state: "queued",
      siteId,
      siteName: "chess",
      requestedBy: null,
      failure: null,
      steps,
      createdAt: at,
      startedAt: null,
      finishedAt: null,
      attempt: 0,
    };
  }

  /** Resolves when the operation has succeeded or failed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Another runner claims the operation: whatever the first one says now counts for nothing. */
  takeOver(): void {
    this.#owner = "someone else";
    this.operation = { ...this.operation, attempt: this.operation.attempt + 1 };
  }

  async claim(request: { readonly owner: string }): Promise<readonly ClaimedOperation[]> {
    const isFree = this.#owner === null && (this.operation.state === "queued" || this.operation.state === "running");
    if (!isFree || Date.now() < this.#dueAt) return [];
    this.#owner = request.owner;
    this.operation = { ...this.operation, state: "running", attempt: this.operation.attempt + 1 };
    return [this.operation];
  }

  async renew(claim: ClaimedOperation, owner: string): Promise<boolean> {
    return this.#holds(claim, owner);
  }

  async saveSteps(claim: ClaimedOperation, owner: string, changes: readonly StepChange[]): Promise<boolean> {
    if (!this.#holds(claim, owner)) return false;
    for (const change of changes) this.#save(change);
    return true;
  }

  async finish(claim: ClaimedOperation, owner: string, result: OperationResult): Promise<boolean> {
    if (!this.#holds(claim, owner)) return false;
    if (result.lastStep !== undefined) this.#save(result.lastStep);
    this.operation = { ...this.operation, state: result.state, failure: result.state === "failed" ? result.failure : null };
    this.#ended.resolve();
    return true;
  }

  async postpone(claim: ClaimedOperation, owner: string, afterMs: number): Promise<boolean> {
    if (!this.#holds(claim, owner)) return false;
    this.#owner = null;
    this.#dueAt = Date.now() + afterMs;
    return true;
  }

  async nextDueMs(): Promise<number | null> {
    return this.#owner === null && this.operation.state === "running" ? Math.max(this.#dueAt - Date.now(), 0) : null;
  }

  async queueForReconciler(): Promise<null> {
    return null;
  }

  #save(change: StepChange): void {
    const steps = this.operation.steps.map((step, position) => (position === change.position ? { ...step, ...change } : step));
    this.operation = { ...this.operation, steps };
  }

  #holds(claim: ClaimedOperation, owner: string): boolean {
    return this.#owner === owner && this.operation.attempt === claim.attempt;
  }
}
