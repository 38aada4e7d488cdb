import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pathOf } from "#contract/client.ts";
import { type EndpointShape, hasRawBody } from "#contract/endpoint.ts";
import { components, type GrantVerb, grantVerbs } from "#contract/grant.ts";
import { accessEndpoints } from "#contract/internal/access.ts";
import { doorFileEndpoints } from "#contract/internal/door-files.ts";
import { siteFileEndpoints } from "#contract/internal/files.ts";
import { listHeldSites, orchestratorEndpoints, pushEpochs } from "#contract/internal/orchestrator.ts";
import { runEndpoints } from "#contract/internal/runs.ts";
import { terminalEndpoints } from "#contract/internal/terminals.ts";
import type { GrantRequest } from "#kit/grant.ts";
import { makeOrchestratorHome, type OrchestratorHome, type OrchestratorUnderTest, startOrchestratorUnderTest } from "../support/orchestrator-under-test.ts";

const mine = 7;
const endpoints: readonly EndpointShape[] = [
  ...orchestratorEndpoints,
  ...siteFileEndpoints,
  ...runEndpoints,
  ...terminalEndpoints,
  ...doorFileEndpoints,
  ...accessEndpoints,
];
let home: OrchestratorHome;
let orchestrator: OrchestratorUnderTest;

beforeAll(async () => {
  home = await makeOrchestratorHome();
  orchestrator = await startOrchestratorUnderTest(home);
});
afterAll(async () => {
  await orchestrator[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

/** A call of the endpoint that would be right but for its grant; nobody reads its body. */
async function statusOf(shape: EndpointShape, token: string | null): Promise<number> {
  const headers: Record<string, string> = {};
  if (token !== null) headers.authorization = `Bearer ${token}`;
  if (shape.body !== undefined) headers["content-type"] = hasRawBody(shape) ? shape.body.mediaType : "application/json";
  const leave = new AbortController();
  const params = { siteId: mine, instance: "op-1", uploadId: "upload-1", uid: "3f2b8a5e-6c1d-4e7f-9a0b-1c2d3e4f5a6b", stream: "stdout", terminal: "t-1" };
  const path = pathOf(shape, { params, query: "query" in shape ? { path: "public" } : {} });
  const response = await fetch(`${orchestrator.url}${path}`, {
    method: shape.method,
    headers,
    signal: leave.signal,
    ...(shape.body === undefined ? {} : { body: "{}" }),
  });
  // An address that nobody serves must not pass for one that refuses.
  if (response.status === 404) expect([shape.id, await response.json()]).not.toMatchObject([shape.id, { code: "not_found" }]);
  leave.abort();
  return response.status;
}

function accessOf(shape: EndpointShape): { readonly callers: readonly string[]; readonly verb: GrantVerb } {
  if (shape.access.kind !== "component") throw new Error(`${shape.id} is not for components`);
  return shape.access;
}

function rightGrant(shape: EndpointShape): GrantRequest {
  const { callers, verb } = accessOf(shape);
  return { aud: "orchestrator", sub: components.find((component) => callers.includes(component)) ?? "manager", site: mine, verbs: [verb] };
}

describe.each(endpoints.map((shape) => [shape.id, shape] as const))("%s", (_, shape) => {
  const hasSite = shape.path.includes(":siteId");
  const right: GrantRequest = hasSite ? rightGrant(shape) : { ...rightGrant(shape), site: "*" };

  it("is refused to nobody in particular", async () => {
    expect(await statusOf(shape, null)).toBe(401);
    expect(await statusOf(shape, "not-a-token")).toBe(403);
  });

  it("is open to its callers alone", async () => {
    for (const sub of components) {
      const status = await statusOf(shape, await home.signer.sign({ ...right, sub }));
      if (accessOf(shape).callers.includes(sub)) expect([sub, status]).not.toEqual([sub, 403]);
      else expect([sub, status]).toEqual([sub, 403]);
    }
  });

  it("is refused with a grant for another audience, verb or time", async () => {
    const wrong: GrantRequest[] = [
      ...components.filter((aud) => aud !== "orchestrator").map((aud) => ({ ...right, aud })),
      { ...right, verbs: grantVerbs.filter((verb) => verb !== accessOf(shape).verb) },
    ];
    for (const request of wrong) expect([request, await statusOf(shape, await home.signer.sign(request))]).toEqual([request, 403]);
    expect(await statusOf(shape, await home.signer.sign(right, -120))).toBe(403);
  });

  it.runIf(hasSite)("is refused with a grant for another site", async () => {
    expect(await statusOf(shape, await home.signer.sign({ ...right, site: mine + 1 }))).toBe(403);
  });

  it("is refused with a grant of an earlier epoch", async () => {
    await orchestrator.client.call(pushEpochs, { body: { sites: [[mine, 5]], users: [[3, 5]] } });
    const stale = [
      { ...right, user: 3, userEpoch: 4 },
      ...(hasSite
        ? [
            { ...right, siteEpoch: 4 },
            { ...right, site: "*" as const, siteEpoch: 4 },
          ]
        : []),
    ];
    for (const request of stale) expect([request, await statusOf(shape, await home.signer.sign(request))]).toEqual([request, 403]);
    const valid = { ...right, user: 3, userEpoch: 5, siteEpoch: 5 };
    expect(await statusOf(shape, await home.signer.sign(valid))).not.toBe(403);
  });
});

it("no call without a grant has left anything behind", async () => {
  expect((await orchestrator.client.call(listHeldSites, {})).sites).toEqual([]);
  expect(orchestrator.runtime.started).toEqual([]);
});
