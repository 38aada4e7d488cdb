// The table of who may call whom, tried at the real orchestrator, router and manager for every endpoint.
import { randomBytes } from "node:crypto";
import { globSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { EndpointShape } from "#contract/endpoint.ts";
import { components } from "#contract/grant.ts";
import { accessEndpoints } from "#contract/internal/access.ts";
import { doorFileEndpoints } from "#contract/internal/door-files.ts";
import { siteFileEndpoints } from "#contract/internal/files.ts";
import { managerInternalEndpoints } from "#contract/internal/manager.ts";
import { listHeldSites, orchestratorEndpoints, pushEpochs } from "#contract/internal/orchestrator.ts";
import { routerEndpoints } from "#contract/internal/router.ts";
import { runEndpoints } from "#contract/internal/runs.ts";
import { terminalEndpoints } from "#contract/internal/terminals.ts";
import { componentSecret } from "#kit/cluster-key.ts";
import { createSigner, type GrantRequest, type GrantSigner } from "#kit/grant.ts";
import { silentLog } from "#kit/log.ts";
import { start as startManager } from "../../src/manager/start.ts";
import { checkout } from "../support/backlot.ts";
import { createClusterKey } from "../support/fake-component.ts";
import { describeGrants, type GuardedComponent } from "../support/grants-suite.ts";
import { makeOrchestratorHome, type OrchestratorUnderTest, startOrchestratorUnderTest } from "../support/orchestrator-under-test.ts";
import { startRouter } from "../support/router-harness.ts";
import { createTestDatabase } from "../support/test-database.ts";

const atOrchestrator: readonly EndpointShape[] = [
  ...orchestratorEndpoints,
  ...siteFileEndpoints,
  ...runEndpoints,
  ...terminalEndpoints,
  ...doorFileEndpoints,
  ...accessEndpoints,
];
const cleanUp = new AsyncDisposableStack();
afterAll(() => cleanUp.disposeAsync());

it("is a test of every endpoint of the contract that is for components", async () => {
  const described = z.looseObject({ id: z.string(), access: z.object({ kind: z.literal("component") }) });
  const ids = new Set<string>();
  for (const file of globSync("src/contract/**/*.ts", { cwd: checkout }).filter((name) => !name.endsWith(".test.ts"))) {
    const module: Readonly<Record<string, unknown>> = await import(join(checkout, file));
    for (const value of Object.values(module)) if (described.safeParse(value).success) ids.add(described.parse(value).id);
  }
  const tested = [...atOrchestrator, ...routerEndpoints, ...managerInternalEndpoints].map(({ id }) => id);
  expect(tested.toSorted()).toEqual([...ids].toSorted());
});

/** A key that nobody was given, and the secrets of components: none of them signs what the manager alone may. */
async function forgersOf(secrets: readonly Uint8Array[]): Promise<GuardedComponent["forge"]> {
  const signers = await Promise.all([...secrets, (await createClusterKey()).signingKey, new Uint8Array(randomBytes(32))].map(createSigner));
  return (request) => Promise.all(signers.map((signer) => signer.sign(request)));
}

describe("the orchestrator", () => {
  let orchestrator: OrchestratorUnderTest;
  let guarded: GuardedComponent;
  beforeAll(async () => {
    const home = cleanUp.use(await makeOrchestratorHome());
    orchestrator = cleanUp.use(await startOrchestratorUnderTest(home));
    guarded = {
      url: orchestrator.url,
      sign: home.signer.sign,
      forge: await forgersOf([Buffer.alloc(32, 7)]),
      endEpochsBefore: ({ site, user, epoch }) => orchestrator.client.call(pushEpochs, { body: { sites: [[site, epoch]], users: [[user, epoch]] } }),
    };
  });

  describeGrants({ audience: "orchestrator", endpoints: atOrchestrator, hasEpochs: true, component: () => guarded });

  it("has nothing left of calls without a grant", async () => {
    expect((await orchestrator.client.call(listHeldSites, {})).sites).toEqual([]);
    expect(orchestrator.runtime.started).toEqual([]);
  });
});

describe("the router", () => {
  let guarded: GuardedComponent;
  beforeAll(async () => {
    const router = cleanUp.use(await startRouter({ routes: [] }));
    guarded = { url: router.adminDoor, sign: router.managerSigner.sign, forge: await forgersOf([]) };
  });

  describeGrants({ audience: "router", endpoints: routerEndpoints, hasEpochs: false, component: () => guarded });
});

describe("the manager", () => {
  let guarded: GuardedComponent;
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "backlot-grants-"));
    cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
    const key = await createClusterKey();
    await writeFile(join(folder, "cluster.json"), JSON.stringify(key));
    const database = cleanUp.use(await createTestDatabase());
    const settings = { DATABASE_URL: database.url, BACKLOT_CLUSTER_KEY_FILE: join(folder, "cluster.json"), BACKLOT_ORCHESTRATOR_URL: "http://127.0.0.1:1" };
    const running = await startManager({ ...settings, BACKLOT_PORT: "0", BACKLOT_ADMIN_PASSWORD: "a good one" }, silentLog());
    cleanUp.defer(() => running.stop());
    // Each component signs for itself: one that takes another's name has the other's secret not.
    const signers = new Map<string, GrantSigner>();
    for (const each of components) signers.set(each, await createSigner(componentSecret(key, each)));
    const signerOf = (sub: string): GrantSigner => signers.get(sub) ?? expect.fail(`nobody is ${sub}`);
    const strangers = await forgersOf([]);
    guarded = {
      url: running.doors.manager ?? "",
      sign: (request, lifetime) => signerOf(request.sub).sign(request, lifetime),
      forge: async (request: GrantRequest) => [
        ...(await strangers(request)),
        ...(await Promise.all(components.filter((each) => each !== request.sub).map((each) => signerOf(each).sign(request)))),
        await (await createSigner(key.signingKey)).sign(request),
      ],
    };
  });

  describeGrants({ audience: "manager", endpoints: managerInternalEndpoints, hasEpochs: false, component: () => guarded });
});
