import type Docker from "dockerode";
import { expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { specOf } from "../../../../test/support/orchestrator-under-test.ts";
import { ServiceLabels } from "./service-labels.ts";
import { serviceName } from "./service-spec.ts";
import { traefikLabels } from "./traefik-labels.ts";

/** A swarm that knows labels only. */
function aSwarm() {
  const services = new Map<string, Docker.ServiceSpec>();
  let isAway = false;
  const answering = (): void => {
    if (isAway) throw new Error("away");
  };
  return {
    services,
    goAway: (away: boolean) => {
      isAway = away;
    },
    put: (siteId: number, labels: Readonly<Record<string, string>>, placement = 0) =>
      services.set(serviceName(siteId, "first"), { Labels: { ...labels, "backlot.site": String(siteId), "backlot.placement": String(placement) } }),
    hostsOf: (siteId: number) =>
      Object.entries(services.get(serviceName(siteId, "first"))?.Labels ?? {}).flatMap(([label, value]) => (label.endsWith(".rule") ? [value] : [])),
    carrying: async (label: string) => {
      answering();
      return [...services].flatMap(([name, spec]) => (label in (spec.Labels ?? {}) ? [{ name, spec }] : []));
    },
    revise: async (name: string, change: (spec: Docker.ServiceSpec) => Docker.ServiceSpec | null) => {
      answering();
      const spec = services.get(name);
      const changed = spec === undefined ? null : change(spec);
      if (changed !== null) services.set(name, changed);
    },
  };
}

const quiet = silentLog();

function anOrchestrator(swarm: ReturnType<typeof aSwarm>): ServiceLabels {
  return new ServiceLabels({
    services: async () => swarm,
    labelsOf: ({ name }) => traefikLabels({ name, hosts: [`${name}.example.org`], port: 8080 }),
    log: quiet,
    laterMs: 1,
    patienceMs: 50,
  });
}

const named = (siteId: number, name: string, more: Partial<Parameters<typeof specOf>[1]> = {}) => specOf(siteId, { name, ...more });

async function started(swarm: ReturnType<typeof aSwarm>, labels: ServiceLabels, spec: ReturnType<typeof named>): Promise<void> {
  await labels.claim(spec);
  swarm.put(spec.siteId, labels.of(spec), spec.placement);
  await labels.tell(spec);
}

test("a service says what its site is by now: another name, and nothing when it is closed or has no program any more", async () => {
  const swarm = aSwarm();
  const labels = anOrchestrator(swarm);
  await started(swarm, labels, named(1, "shop", { routeVersion: 1 }));
  expect(swarm.hostsOf(1)).toEqual(["Host(`shop.example.org`)"]);
  await labels.tell(named(1, "store", { revision: 2, routeVersion: 2 }));
  expect(swarm.services.get("site_0001")?.Labels).toEqual({
    "traefik.http.routers.store.rule": "Host(`store.example.org`)",
    "traefik.http.routers.store.service": "store-service",
    "traefik.http.services.store-service.loadbalancer.server.port": "8080",
    "backlot.site": "1",
    "backlot.placement": "0",
    "backlot.route-version": "2",
  });
  for (const [revision, change] of [{ availability: "disabled" }, { availability: "not-served" }, { kind: "static" }].entries()) {
    await labels.tell(named(1, "store", { revision: 3 + 2 * revision, routeVersion: 2, ...(change as object) }));
    expect(swarm.hostsOf(1)).toEqual([]);
    await labels.tell(named(1, "store", { revision: 4 + 2 * revision, routeVersion: 2 }));
    expect(swarm.hostsOf(1)).toEqual(["Host(`store.example.org`)"]);
  }
});

test("a start that was decided before a change does not bring back what was", async () => {
  const swarm = aSwarm();
  const labels = anOrchestrator(swarm);
  const before = named(1, "shop", { routeVersion: 1 });
  await labels.tell(named(1, "store", { revision: 2, routeVersion: 2 }));
  await started(swarm, labels, before);
  expect(swarm.hostsOf(1)).toEqual(["Host(`store.example.org`)"]);
});

test("whoever was given a name later has it alone, whichever orchestrator has heard of what", async () => {
  const swarm = aSwarm();
  const [anns, bens] = [anOrchestrator(swarm), anOrchestrator(swarm)];
  const [ann, ben] = [named(1, "shop", { routeVersion: 4 }), named(2, "shop", { routeVersion: 9 })];
  await started(swarm, anns, ann);
  // Nobody has told Ann's orchestrator yet.
  await bens.claim(ben);
  expect(swarm.hostsOf(1)).toEqual([]);
  await started(swarm, bens, ben);
  expect([swarm.hostsOf(1), swarm.hostsOf(2)]).toEqual([[], ["Host(`shop.example.org`)"]]);
  await started(swarm, anns, ann);
  await anOrchestrator(swarm).tell(ann);
  expect([swarm.hostsOf(1), swarm.hostsOf(2)]).toEqual([[], ["Host(`shop.example.org`)"]]);
  await anns.tell(named(1, "store", { revision: 2, routeVersion: 8 }));
  expect([swarm.hostsOf(1), swarm.hostsOf(2)]).toEqual([["Host(`store.example.org`)"], ["Host(`shop.example.org`)"]]);
});

test("two of which it cannot be said who is the later one have none of it", async () => {
  const swarm = aSwarm();
  await started(swarm, anOrchestrator(swarm), named(1, "shop"));
  await started(swarm, anOrchestrator(swarm), named(2, "shop"));
  expect([swarm.hostsOf(1), swarm.hostsOf(2)]).toEqual([[], []]);
});

test("while the swarm is away nobody who changes a site waits for it, and it is said as soon as it is back", async () => {
  const swarm = aSwarm();
  const labels = anOrchestrator(swarm);
  await started(swarm, labels, named(1, "shop", { routeVersion: 1 }));
  swarm.goAway(true);
  await labels.tell(named(1, "store", { revision: 2, routeVersion: 2 }));
  expect(swarm.hostsOf(1)).toEqual(["Host(`shop.example.org`)"]);
  swarm.goAway(false);
  await expect.poll(() => swarm.hostsOf(1), { timeout: 20_000 }).toEqual(["Host(`store.example.org`)"]);
  labels.close();
});

test("a service that another orchestrator has by now is left alone, and without labels to give nothing is asked", async () => {
  const swarm = aSwarm();
  swarm.put(1, { "traefik.http.routers.shop.rule": "theirs" }, 2);
  await anOrchestrator(swarm).tell(named(1, "store", { placement: 1, routeVersion: 1 }));
  expect(swarm.hostsOf(1)).toEqual(["theirs"]);
  const none = new ServiceLabels({ services: () => Promise.reject(new Error("asked")), labelsOf: undefined, log: quiet });
  await none.claim(named(1, "store"));
  await none.tell(named(1, "store"));
  expect(none.of(named(1, "store"))).toEqual({});
});
