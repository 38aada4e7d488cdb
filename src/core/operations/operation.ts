import type { OperationKind, OperationState } from "#contract/api/views.ts";

/** One step of an operation, as it is kept. */
export interface Step {
  readonly name: string;
  readonly title: string;
  readonly state: "waiting" | "running" | "succeeded" | "failed";
  /** How often it was begun. */
  readonly attempt: number;
  readonly message: string | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** Why an operation failed, for people. */
export interface OperationFailure {
  readonly code: string;
  readonly title: string;
}

/** A change of a site, step by step, as it is kept. */
export interface Operation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly state: OperationState;
  /** Null when the site is gone. */
  readonly siteId: number | null;
  readonly siteName: string;
  /** The user name. */
  readonly requestedBy: string | null;
  readonly requestedById: number | null;
  /** What the steps need to know; JSON. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly failure: OperationFailure | null;
  readonly steps: readonly Step[];
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** An operation to be queued. */
export interface NewOperation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly requestedById: number | null;
  readonly input: Readonly<Record<string, unknown>>;
  readonly steps: readonly { readonly name: string; readonly title: string }[];
}
