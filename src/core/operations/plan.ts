import type { OperationKind } from "#contract/api/views.ts";
import type { NewOperation } from "./operation.ts";

/** The names of all steps; each is idempotent, and is one function in the worker. */
export const stepTitles = {
  apply: "Tell the orchestrator what the site should be",
  starter: "Copy the starter's files",
  publish: "Publish the address",
  activate: "Mark the site as ready",
  unpack: "Check and unpack the archive",
  place: "Put the files in place",
  refresh: "Restart the program with what is new",
  start: "Start the new instance",
  switch: "Switch visitors to it",
  retire: "Stop the old instance",
  hold: "Let visitors wait",
  stop: "Stop the program",
  release: "Let visitors go on",
  wake: "Start the program",
  makeDatabase: "Make the database",
  changePassword: "Set the new password",
  dropDatabase: "Delete the database",
  withdraw: "Take the address away",
  remove: "Delete the files",
  forget: "Forget the site",
  settle: "Hand the site over to another machine",
  carry: "Start it there and switch visitors",
  leave: "Stop it here",
} as const;
export type StepName = keyof typeof stepTitles;

/** What is known of a site when an operation on it is planned. */
export interface PlanSubject {
  readonly kind: "static" | "dynamic";
  readonly canRunTwice: boolean;
}

/** What each kind of operation carries from its request to its steps. */
export interface OperationInputs {
  readonly create: { readonly starter: string | null };
  readonly rename: Record<never, never>;
  /** Whether the program has to start anew to notice the change, and whether there is none any more after it. */
  readonly configure: { readonly needsRestart: boolean; readonly losesProgram?: boolean };
  readonly deploy: { readonly uploadId: string };
  readonly restart: Record<never, never>;
  readonly sleep: Record<never, never>;
  readonly wake: Record<never, never>;
  readonly delete: Record<never, never>;
  readonly "add-database": Record<never, never>;
  readonly "change-database-password": Record<never, never>;
  readonly "delete-database": Record<never, never>;
  readonly move: { readonly from: string | null; readonly to: string };
}

/** The steps of an operation, decided once, when it is queued. */
export function stepsOf<K extends OperationKind>(kind: K, input: OperationInputs[K], subject: PlanSubject): readonly StepName[] {
  const restart: readonly StepName[] = subject.canRunTwice ? ["start", "switch", "retire"] : ["hold", "start", "release"];
  switch (kind) {
    case "create":
      return (input as OperationInputs["create"]).starter === null ? ["apply", "publish", "activate"] : ["apply", "starter", "publish", "activate"];
    case "rename":
      return ["apply", "publish"];
    case "configure":
      return stepsToConfigure(input as OperationInputs["configure"]);
    case "deploy":
      return subject.kind === "dynamic" ? ["unpack", "place", "refresh"] : ["unpack", "place"];
    case "restart":
      return restart;
    case "sleep":
      return ["hold", "stop", "release"];
    case "wake":
      return ["wake"];
    case "delete":
      // A site without a database passes over it: whether there is one may change until then.
      return ["withdraw", "remove", "dropDatabase", "forget"];
    case "add-database":
      return ["makeDatabase", "apply", "refresh"];
    case "change-database-password":
      return ["changePassword", "apply", "refresh"];
    case "delete-database":
      // First the program lets go of it, then it goes. It is not started anew: without a database many a program ends at once.
      return subject.kind === "dynamic" ? ["apply", "hold", "stop", "release", "dropDatabase"] : ["apply", "dropDatabase"];
    case "move":
      return ["settle", "publish", "carry", "leave"];
    default:
      throw new Error(`no plan for ${kind}`);
  }
}

/** An operation ready to be queued. */
export function planOperation<K extends OperationKind>(request: {
  readonly id: string;
  readonly kind: K;
  readonly input: OperationInputs[K];
  readonly subject: PlanSubject;
  readonly requestedById: number | null;
}): NewOperation {
  const names = stepsOf(request.kind, request.input, request.subject);
  return {
    id: request.id,
    kind: request.kind,
    requestedById: request.requestedById,
    input: request.input,
    steps: names.map((name) => ({ name, title: stepTitles[name] })),
  };
}

// Visitors are led away from a program before it ends, and to a new one after it may begin.
function stepsToConfigure({ needsRestart, losesProgram = false }: OperationInputs["configure"]): readonly StepName[] {
  if (losesProgram) return ["publish", "apply"];
  return needsRestart ? ["apply", "publish", "refresh"] : ["apply", "publish"];
}
