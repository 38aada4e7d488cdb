import type { OperationKind, OperationState, OperationView } from "#contract/api/views.ts";
import type { SiteKind, SiteState } from "#contract/site.ts";

export type Tone = "good" | "warn" | "bad" | "night" | "sky" | "off";

export interface StateWords {
  readonly label: string;
  readonly tone: Tone;
  /** Said when the status itself gives no reason. */
  readonly meaning: string;
}

const words: Readonly<Record<SiteState, StateWords>> = {
  starting: { label: "Starting", tone: "sky", meaning: "The program is starting. Visitors wait a moment and are then let in." },
  running: { label: "Running", tone: "good", meaning: "The program runs and answers visitors." },
  frozen: { label: "Paused", tone: "night", meaning: "Nobody visits at the moment. It goes on within a blink when someone does." },
  asleep: { label: "Asleep", tone: "night", meaning: "Nobody visits at the moment. The next visitor wakes it." },
  stopping: { label: "Stopping", tone: "sky", meaning: "The program finishes what it is doing and then stops." },
  stopped: { label: "Stopped", tone: "off", meaning: "The program does not run. Start it to let visitors in." },
  crashed: { label: "Crashed", tone: "bad", meaning: "The program ended by itself. Its log says why." },
  "not-served": { label: "Not served", tone: "warn", meaning: "Visitors are turned away at the moment. Files can still be changed." },
  disabled: { label: "Disabled", tone: "bad", meaning: "An administrator has disabled this site." },
};

/** A site's state in words; a static site has no program to speak of. */
export function stateWords(state: SiteState, kind: SiteKind = "dynamic"): StateWords {
  if (kind === "static" && state === "running")
    return { label: "Online", tone: "good", meaning: "The pages are served. A static site has no program that could stop." };
  return words[state];
}

/** A reason as it was reported, as a sentence: what programs print begins and ends as it likes. */
export function sentenceOf(reason: string): string {
  const text = reason.trim();
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?…]["'”’)]?$/.test(text) ? "" : "."}`;
}

/** Whether the state will change by itself in a moment. */
export function isPassing(state: SiteState): boolean {
  return state === "starting" || state === "stopping";
}

const kindWords: Readonly<Record<OperationKind, { readonly doing: string; readonly done: string; readonly failed: string }>> = {
  create: { doing: "Creating {site}", done: "{site} is ready", failed: "{site} could not be created" },
  rename: { doing: "Renaming {site}", done: "{site} has its new name", failed: "{site} could not be renamed" },
  configure: { doing: "Applying the settings of {site}", done: "Settings of {site} applied", failed: "The settings of {site} could not be applied" },
  deploy: { doing: "Deploying {site}", done: "{site} is deployed", failed: "{site} could not be deployed" },
  restart: { doing: "Restarting {site}", done: "{site} was restarted", failed: "{site} could not be restarted" },
  sleep: { doing: "Putting {site} to sleep", done: "{site} sleeps", failed: "{site} could not be put to sleep" },
  wake: { doing: "Starting {site}", done: "{site} runs", failed: "{site} could not be started" },
  delete: { doing: "Deleting {site}", done: "{site} is deleted", failed: "{site} could not be deleted" },
  "add-database": { doing: "Giving {site} a database", done: "{site} has its database", failed: "{site} could not be given a database" },
  "change-database-password": {
    doing: "Changing the password of {site}'s database",
    done: "The database of {site} has its new password",
    failed: "The password of {site}'s database could not be changed",
  },
  "delete-database": {
    doing: "Deleting the database of {site}",
    done: "The database of {site} is deleted",
    failed: "The database of {site} could not be deleted",
  },
  move: { doing: "Moving {site} to another machine", done: "{site} is on another machine now", failed: "{site} could not be moved to another machine" },
};

/** An operation as a sentence: "Restarting chess". */
export function operationWords({ kind, state, site }: { kind: OperationKind; state: OperationState; site: string }): string {
  const { doing, done, failed } = kindWords[kind];
  const sentence = state === "succeeded" ? done : state === "failed" ? failed : doing;
  return sentence.replace("{site}", site);
}

/** How far an operation is, for those who hear it: "Restarting chess, step 2 of 4: Wait until it answers". */
export function progressWords(operation: Pick<OperationView, "kind" | "state" | "site" | "steps">): string {
  const at = operation.steps.findIndex(({ state }) => state === "running");
  const step = operation.steps[at];
  return `${operationWords(operation)}${step === undefined ? "" : `, step ${at + 1} of ${operation.steps.length}: ${step.title}`}`;
}

const actionWords: Readonly<Record<OperationKind, string>> = {
  create: "Create",
  rename: "Rename",
  configure: "Change settings",
  deploy: "Deploy",
  restart: "Restart",
  sleep: "Put to sleep",
  wake: "Start",
  delete: "Delete",
  "add-database": "Add database",
  "change-database-password": "Change database password",
  "delete-database": "Delete database",
  move: "Move to another machine",
};
export function actionWord(kind: OperationKind): string {
  return actionWords[kind];
}

export const operationStateWords: Readonly<Record<OperationState, string>> = { queued: "Waiting", running: "Running", succeeded: "Done", failed: "Failed" };
