// What a Backlot on a swarm does when the engine of a node is killed beneath its sites, and comes back; called by `swarm-sites.test.ts`.
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { deleteSite, readStatus, restartSite, sleepSite } from "#contract/api/sites.ts";
import type { OperationView } from "#contract/api/views.ts";
import { titled, whyNoBrowser } from "./needs.ts";
import { NodesPage } from "./nodes-page.ts";
import { eachOf, isAnothers, type SwarmOpened, type Visitors } from "./swarm-stage.ts";

interface Opened extends SwarmOpened {
  /** Names of sites by their numbers. */
  readonly nameOf: ReadonlyMap<number, string>;
}

const noBrowser = whyNoBrowser();
const reason = /can start no program, so it gets no new sites\. The Docker engine at .* does not answer: .* draining it moves them/;

interface Given {
  /** Of sites on both nodes that are always on, and answer with their name first. */
  readonly names: readonly string[];
  /** Two sites of the second node that rest while nobody visits them are added to it. */
  readonly resting: string[];
  readonly programOf: (name: string) => string;
  readonly patience: { readonly timeout: number };
}

/** Puts the second of these to sleep, and waits until the first is frozen. */
export async function putToRest({ all, admin }: SwarmOpened, [frozen = "", asleep = ""]: readonly string[], patience: Given["patience"]): Promise<void> {
  for (const name of [frozen, asleep]) await expect.poll(async () => (await all.backlot.visit(name)).status, patience).toBe(200);
  await admin.succeeded((await admin.client.call(sleepSite, { params: { name: asleep } })).operation);
  for (const [name, state] of [
    [asleep, "asleep"],
    [frozen, "frozen"],
  ] as const)
    await expect.poll(async () => (await admin.client.call(readStatus, { params: { name } })).state, patience).toBe(state);
}

/** Its tests belong together, in this order. */
export function swarmEngineSuite(opened: () => Opened, { names, resting, programOf, patience }: Given): void {
  let visitors: Visitors | null = null;
  /** Visits of the addresses themselves, by somebody who does not hear of any change. */
  let stale: StaleVisitors | null = null;
  let [name, other] = ["", ""];
  let before = "";
  /** Of a restart that is asked for while the engine is away. */
  let operation: OperationView | null = null;
  /** Of sites that rest, begun while it is away. */
  let waiting: readonly Promise<{ readonly status: number; readonly text: string }>[] = [];

  /** Creates sites until two of them are on the second node. The others stay until then: where there are fewest, the next one goes. */
  async function addResting(): Promise<void> {
    const { all, admin, stage } = opened();
    const elsewhere: string[] = [];
    for (let index = 0; resting.length < 2 && index < 12; index += 1) {
      const name = `resting-${index}`;
      const { id } = await admin.createSite(name, "dynamic");
      await stage.putProgram(name, programOf(name));
      await expect.poll(async () => (await all.backlot.visit(name)).status, patience).toBe(200);
      if ((await stage.sitesOn())[1]?.includes(id)) resting.push(name);
      else elsewhere.push(name);
    }
    for (const site of elsewhere) await admin.succeeded((await admin.client.call(deleteSite, { params: { name: site } })).operation);
    expect(resting).toHaveLength(2);
  }

  test("gives nothing to a node whose engine is killed, while what runs there goes on", { timeout: 240_000 }, async () => {
    const { all, admin, stage, nameOf } = opened();
    const [, second] = all.swarm.nodes;
    await eachOf(names, 4, (site) => all.backlot.visit(site));
    [name = "", other = ""] = ((await stage.sitesOn())[1] ?? []).flatMap((number) => nameOf.get(number) ?? []);
    visitors = stage.visitors(names);
    stale = staleVisitors(await addressesOn(opened()), names);
    before = (await all.backlot.visit(name)).text;
    await addResting();
    await putToRest(opened(), resting, patience);
    const sitesBefore = (await stage.orchestrators()).map(({ sites }) => sites);
    await second?.stop("SIGKILL");
    await expect.poll(async () => (await stage.orchestrators())[1], patience).toMatchObject({ state: "unhealthy", explanation: expect.stringMatching(reason) });
    for (const fresh of ["fresh-1", "fresh-2"]) await admin.createSite(fresh, "static");
    expect((await stage.orchestrators()).map(({ sites }, index) => sites - (sitesBefore[index] ?? 0))).toEqual([2, 0]);
    // What runs goes on without it, and what is asked of it waits.
    expect(await all.backlot.visit(name)).toMatchObject({ status: 200, text: before });
    ({ operation } = await admin.client.call(restartSite, { params: { name: other } }));
    waiting = resting.map((site) => all.backlot.visit(site).catch((error: unknown) => ({ status: 0, text: String(error) })));
  });

  test.skipIf(noBrowser !== null)(titled("shows it as unhealthy on the page of nodes, with the reason in words", noBrowser), { timeout: 240_000 }, async () => {
    const { all } = opened();
    await using page = await NodesPage.open(all.backlot);
    await expect.poll(() => page.machine(all.others[0]?.url ?? ""), patience).toMatch(new RegExp(`^Unhealthy$[^]*${reason.source}`, "m"));
  });

  test("goes on when it comes back, and no visitor of a site ever gets an answer of another one", { timeout: 600_000 }, async () => {
    const { all, admin, stage, nameOf } = opened();
    const [, second] = all.swarm.nodes;
    await second?.start();
    const backAt = performance.now();
    const rested = resting.map((site) => expect.poll(async () => (await all.backlot.visit(site)).text, patience).toMatch(`${site} `));
    await Promise.all(rested);
    process.stdout.write(`a frozen site and one that slept answered ${Math.round(performance.now() - backAt)} ms after their engine was back\n`);
    // Whoever came meanwhile has waited for it, or was told in words to come again.
    for (const { status, text } of await Promise.all(waiting)) expect([200, 503], text).toContain(status);
    await expect.poll(async () => (await stage.orchestrators()).map(({ state }) => state), patience).toEqual(["up", "up"]);
    expect(operation !== null && (await admin.ended(operation)).state).toBe("succeeded");
    await eachOf(names, 4, (site) => expect.poll(async () => (await all.backlot.visit(site)).status, patience).toBe(200));
    for (const site of [name, other]) {
      const { text } = await all.backlot.visit(site);
      expect(await admin.client.call(readStatus, { params: { name: site } })).toMatchObject({ state: "running", reason: null });
      await expect.poll(() => stage.logOf(site), patience).toContain(`serving ${text}`);
    }
    const [seen, direct] = [await visitors?.stop(), await stale?.stop()];
    process.stdout.write(
      `an engine was killed and came back: ${seen?.count} visits, ${seen?.failed.length} failed; ${direct?.count} to addresses of before, ${direct?.answered} answered\n`,
    );
    expect({ foreign: seen?.foreign, direct: direct?.foreign }).toEqual({ foreign: [], direct: [] });
    // The engine's events are heard again: nobody asks for this one, and it comes back.
    const { text } = await all.backlot.visit(name);
    const number = [...nameOf].find(([, site]) => site === name)?.[0];
    // On the same node, unless that was too busy to tell that it is there, and lost its sites for it.
    const container = async () => {
      for (const { docker } of all.swarm.nodes.toReversed()) {
        const [found] = await docker.listContainers({ filters: JSON.stringify({ label: [`backlot.site=${number}`] }) });
        if (found !== undefined) return docker.getContainer(found.Id);
      }
      throw new Error(`no container of ${name} runs`);
    };
    await (await container()).kill();
    await expect.poll(async () => (await stage.logOf(name)).split(`serving ${text}`).at(-1), patience).toMatch(/(?:ended|exited)[\s\S]*serving /);
    await expect.poll(async () => (await admin.client.call(readStatus, { params: { name } })).state, patience).toBe("running");
  });
}

/** Where the sites of the second node answer now. */
async function addressesOn({ all, nameOf }: Opened): Promise<ReadonlyMap<string, string>> {
  const [, second] = all.swarm.nodes;
  const found = (await second?.docker.listContainers({ filters: JSON.stringify({ label: ["backlot.kind=site"] }) })) ?? [];
  return new Map(
    found.map(({ Labels: labels, Ports: ports }) => [
      nameOf.get(Number(labels["backlot.site"])) ?? "",
      `http://${second?.address}:${ports.find(({ PublicPort: port }) => port !== undefined)?.PublicPort}/`,
    ]),
  );
}

interface StaleVisitors {
  stop(): Promise<{ readonly count: number; readonly answered: number; readonly foreign: readonly string[] }>;
}

function staleVisitors(addresses: ReadonlyMap<string, string>, names: readonly string[]): StaleVisitors {
  const ending = new AbortController();
  let [count, answered] = [0, 0];
  const foreign = new Set<string>();
  const running = [...addresses].map(async ([site, address]) => {
    while (!ending.signal.aborted) {
      const text = await fetch(address, { headers: { connection: "close" }, signal: AbortSignal.any([ending.signal, AbortSignal.timeout(2_000)]) }).then(
        (answer) => answer.text(),
        () => "",
      );
      count += 1;
      if (text !== "") answered += 1;
      if (isAnothers(text, site, names)) foreign.add(`${site}: ${text}`);
      await delay(20);
    }
  });
  return {
    stop: async () => {
      ending.abort();
      await Promise.all(running);
      return { count, answered, foreign: [...foreign] };
    },
  };
}
