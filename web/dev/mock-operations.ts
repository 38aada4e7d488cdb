import type { OperationKind, OperationView } from "#contract/api/views.ts";
import { Failure } from "#contract/failure.ts";
import type { SiteState } from "#contract/site.ts";
import type { MockSite, MockWorld } from "./mock-world.ts";

const steps: Record<OperationKind, readonly [name: string, title: string][]> = {
  create: [
    ["reserve", "Reserve the name and the address"],
    ["folder", "Make the site's folder"],
    ["starter", "Copy the starter's files"],
    ["start", "Start the program and wait until it answers"],
    ["route", "Tell the router"],
  ],
  rename: [
    ["quiesce", "Hold visitors"],
    ["rename", "Change the name"],
    ["route", "Tell the router"],
  ],
  configure: [
    ["apply", "Apply the settings"],
    ["route", "Tell the router"],
  ],
  deploy: [
    ["unpack", "Unpack the archive beside the site"],
    ["switch", "Switch the files"],
    ["start", "Start the new version"],
  ],
  restart: [
    ["start", "Start a new instance"],
    ["answer", "Wait until it answers"],
    ["switch", "Send visitors to it"],
    ["drain", "Stop the old one"],
  ],
  sleep: [
    ["retarget", "Hold visitors at the door"],
    ["stop", "Stop the program"],
  ],
  wake: [
    ["start", "Start the program"],
    ["answer", "Wait until it answers"],
  ],
  delete: [
    ["route", "Take the address off the web"],
    ["stop", "Stop the program"],
    ["files", "Delete the files"],
    ["forget", "Forget members and settings"],
  ],
  "add-database": [
    ["makeDatabase", "Make the database"],
    ["apply", "Tell the orchestrator what the site should be"],
    ["refresh", "Restart the program with what is new"],
  ],
  "change-database-password": [
    ["changePassword", "Set the new password"],
    ["apply", "Tell the orchestrator what the site should be"],
    ["refresh", "Restart the program with what is new"],
  ],
  "delete-database": [
    ["apply", "Tell the orchestrator what the site should be"],
    ["stop", "Stop the program"],
    ["dropDatabase", "Delete the database"],
  ],
  move: [
    ["settle", "Hand the site over to another machine"],
    ["carry", "Start it there and switch visitors"],
    ["leave", "Stop it here"],
  ],
};

const during: Partial<Record<OperationKind, SiteState>> = {
  create: "starting",
  restart: "starting",
  wake: "starting",
  deploy: "starting",
  sleep: "stopping",
  delete: "stopping",
};
const after: Partial<Record<OperationKind, SiteState>> = { create: "running", restart: "running", wake: "running", deploy: "running", sleep: "asleep" };

const now = (): string => new Date().toISOString();

/** Sets a site's state as the orchestrator would report it. */
export function reportState(world: MockWorld, site: MockSite, { state, reason = null }: { state: SiteState; reason?: string | null }): void {
  site.view = { ...site.view, state, status: { state, reason, since: now() } };
  for (const listener of world.listeners) listener({ site: site.view });
}

/** Starts an operation that goes from step to step by itself; "broken-app" fails to answer. */
export function startOperation(world: MockWorld, site: MockSite, { kind, finish }: { kind: OperationKind; finish?: () => void }): OperationView {
  const operation: OperationView = {
    id: crypto.randomUUID(),
    kind,
    state: "queued",
    site: site.view.name,
    requestedBy: world.me?.username ?? null,
    failure: null,
    steps: steps[kind]
      .filter(([name]) => site.view.kind === "dynamic" || name !== "start" || kind !== "create")
      .map(([name, title]) => ({ name, title, state: "waiting", attempt: 0, message: null, startedAt: null, finishedAt: null })),
    createdAt: now(),
    startedAt: null,
    finishedAt: null,
  };
  site.operations.unshift(operation);
  const state = during[kind];
  if (state !== undefined && site.view.kind === "dynamic") reportState(world, site, { state });
  advance(world, site, { operation, index: -1, finish });
  return operation;
}

function advance(world: MockWorld, site: MockSite, at: { operation: OperationView; index: number; finish: (() => void) | undefined }): void {
  setTimeout(() => {
    const { operation, index } = at;
    const step = operation.steps[index];
    if (step !== undefined) Object.assign(step, { state: "succeeded", finishedAt: now() });
    if (step?.name === "answer" && site.view.name === "broken-app") return fail(world, site, operation);
    const next = operation.steps[index + 1];
    if (next === undefined) {
      Object.assign(operation, { state: "succeeded", finishedAt: now() });
      at.finish?.();
      const state = after[operation.kind];
      if (state !== undefined && site.view.kind === "dynamic") reportState(world, site, { state });
    } else {
      Object.assign(operation, { state: "running", startedAt: operation.startedAt ?? now() });
      Object.assign(next, { state: "running", attempt: 1, startedAt: now() });
      advance(world, site, { ...at, index: index + 1 });
    }
    for (const listener of world.listeners) listener({ operation });
  }, world.stepMs);
}

function fail(world: MockWorld, site: MockSite, operation: OperationView): void {
  const failure = new Failure("site_not_listening", { seconds: 30, found: ", but listens on 127.0.0.1:3000" });
  const step = operation.steps.find((each) => each.name === "answer");
  if (step !== undefined) Object.assign(step, { state: "failed", message: "Nothing listened on $PORT after 30 s.", attempt: 3, finishedAt: now() });
  Object.assign(operation, { state: "failed", failure: { code: failure.code, title: failure.message }, finishedAt: now() });
  reportState(world, site, { state: "crashed", reason: failure.message });
  for (const listener of world.listeners) listener({ operation });
}
