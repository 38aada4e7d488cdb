import { afterEach, beforeEach, expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import type { Actor } from "#core/accounts/user.ts";
import { createComponentClient } from "#kit/component-client.ts";
import { type Dated, EpochTable } from "#kit/epochs.ts";
import { createSigner } from "#kit/grant.ts";
import { Hints } from "#kit/hints.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { actor, actorSite } from "../../test/support/builders.ts";
import { createClusterKey, type FakeComponent } from "../../test/support/fake-component.ts";
import { startFakeOrchestrator } from "../../test/support/fake-orchestrator.ts";
import { AccessWatch } from "./access-watch.ts";
import type { SiteCaller } from "./callers.ts";
import { mountFileHistory } from "./file-history-api.ts";
import { StreamAccess } from "./stream-access.ts";
import { mountStreams } from "./streams-api.ts";
import { mountTasks } from "./tasks-api.ts";

/** Counts what is watched and was not released. */
class CountingTable extends EpochTable {
  readonly #open = new Set<object>();

  get open(): number {
    return this.#open.size;
  }

  override watch(claims: Dated, siteId?: number): ReturnType<EpochTable["watch"]> {
    const { signal, release } = super.watch(claims, siteId);
    const watch = {};
    this.#open.add(watch);
    const forget = (): void => {
      this.#open.delete(watch);
      release();
    };
    return { signal, release: forget };
  }
}

let orchestrator: FakeComponent;
let table: CountingTable;
let url: string;
let close: () => Promise<unknown>;

const ada: Actor = actor();
const caller: SiteCaller = { actor: ada, sessionId: null, site: actorSite() };
// Of a task only these fields are looked at before the orchestrator is asked.
const task = { uid: "5e2b5a54-4a07-4a43-a0a8-5d2b0d0a0b6e", siteId: 1, attempt: 1, state: "running", actorSite: caller.site };

beforeEach(async () => {
  const key = await createClusterKey();
  orchestrator = await startFakeOrchestrator(key);
  table = new CountingTable();
  const epochs = { changedWithin: async () => ({ sites: [], users: [] }) };
  const renewals = { hosts: [], judge: async () => Promise.reject(new Error("nobody is to be judged")) };
  const watch = new AccessWatch({ epochs, table, push: async () => undefined, renewals, log: silentLog() });
  const access = new StreamAccess({ access: watch, stillSignedIn: async () => caller });
  const there = { baseUrl: orchestrator.url, audience: "orchestrator", caller: "manager", signer: await createSigner(key.signingKey) } as const;
  const client = createComponentClient(there);
  const app = createServer({ log: silentLog() });
  const guards = { site: async () => caller, task: async () => ({ ...caller, task }) };
  const deps = { guards, access, orchestrator: client, tasks: { forActor: async () => task }, hints: new Hints() };
  for (const mountAll of [mountStreams, mountFileHistory, mountTasks]) mountAll(app, deps as never);
  url = await app.listen({ host: "127.0.0.1", port: 0 });
  close = () => app.close();
});
afterEach(async () => {
  await close();
  await orchestrator[Symbol.asyncDispose]();
});

const paths = [
  "/api/v1/sites/chess/logs?follow=true",
  "/api/v1/sites/chess/logs",
  "/api/v1/sites/chess/changes?folder=public",
  `/api/v1/tasks/${task.uid}/logs/stdout`,
];

test.for(paths)("an orchestrator that refuses %s leaves nothing watched", async (path) => {
  orchestrator.onCall = async () => {
    expect(table.open).toBe(1);
    throw new Failure("component_away", { component: "orchestrator" });
  };
  for (let round = 0; round < 3; round += 1) expect((await fetch(url + path)).status).toBe(503);
  expect(table.open).toBe(0);
});

test("a log that was read, and one that nobody follows any more, are watched no longer", async () => {
  expect((await (await fetch(`${url}/api/v1/sites/chess/logs`)).text()).trim()).toBe("");
  const reader = new AbortController();
  const followed = await fetch(`${url}/api/v1/sites/chess/logs?follow=true`, { signal: reader.signal });
  expect([followed.status, table.open]).toEqual([200, 1]);
  reader.abort();
  await expect.poll(() => table.open, { timeout: 20_000 }).toBe(0);
});
