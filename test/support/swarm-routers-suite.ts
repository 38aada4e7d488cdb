// What two routers on a swarm, each behind a HAProxy and an nginx of its own, do with the same sites; called by `swarm-sites.test.ts`.
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { deleteSite, restartSite, sleepSite } from "#contract/api/sites.ts";
import { killIfThere, processesWhere } from "./backlot-processes.ts";
import { visit } from "./backlot-visit.ts";
import { containersOf } from "./swarm-rest-suite.ts";
import { eachOf, type SwarmOpened } from "./swarm-stage.ts";

interface Given {
  /** A run.sh whose every start answers with its site's name and another text. */
  readonly programOf: (name: string) => string;
  readonly patience: { readonly timeout: number };
}

/** Longer than a program may be idle before it sleeps (ten seconds is the least), and much longer than before it is frozen. */
const busyMs = 14_000;
/** Its answer takes so long that nobody but a request under way keeps the program awake. */
const slow = `#!/bin/sh
sleep ${busyMs / 1000}
printf 'Content-Type: text/plain\\r\\n\\r\\n'
cat /site/www/index.html
`;

/** Sites that rest: they are asked for at one router, at the other, and at both. */
export function swarmRoutersRestSuite(opened: () => SwarmOpened, { programOf, patience }: Given): void {
  /** A site that may rest, with what it answers now at both routers. */
  async function running(name: string) {
    const { all, admin, stage } = opened();
    const { id } = await admin.createSite(name, "dynamic");
    await stage.configure(name, { settings: { idleSeconds: 10 } });
    // Nothing may be run from its /tmp.
    await stage.putProgram(name, slow, "www/cgi-bin/slow");
    await stage.putProgram(name, programOf(name).replaceAll("/tmp/www", "/site/www").replace("mkdir", "mkdir -p"));
    const seen = () => containersOf(all, id);
    return { name, seen };
  }

  /** Both routers send visitors to the site, then one of them has some: now and then, or a single one all the time. */
  async function stayedAwake({ name, seen }: Awaited<ReturnType<typeof running>>, door: string): Promise<void> {
    const [first, second] = (await opened().stage.visitAll(name)).map(({ status, text }) => ({ status, text }));
    expect([first, second]).toEqual([{ status: 200, text: expect.stringMatching(`^${name} `) }, first]);
    const ask = async (path: string) => {
      const { status, text } = await visit(door, { host: `${name}.localhost`, path });
      return { status, text };
    };
    const answers = new Set<string>();
    const states = new Set<string>();
    let isOver = false;
    let visitedAt = performance.now();
    const isLong = name.startsWith("long");
    const visiting = async (): Promise<void> => {
      if (isLong) answers.add(JSON.stringify(await ask("/cgi-bin/slow")));
      for (const until = performance.now() + busyMs; !isLong && performance.now() < until; await delay(100)) {
        answers.add(JSON.stringify(await ask("/")));
        visitedAt = performance.now();
      }
    };
    const looking = async (): Promise<void> => {
      while (!isOver) {
        const lastVisitAt = visitedAt;
        const state = JSON.stringify(await seen());
        // A machine that was busy for two seconds may have let a site rest that is only asked now and then.
        if (!isOver && (isLong || performance.now() - lastVisitAt < 1_500)) states.add(state);
        await delay(200);
      }
    };
    await Promise.all([
      looking(),
      visiting().finally(() => {
        isOver = true;
      }),
    ]);
    expect({ name, answers: [...answers], states: [...states] }).toEqual({
      name,
      answers: [JSON.stringify(first)],
      states: [JSON.stringify({ paused: [false], replicas: 1 })],
    });
  }

  test("a site that visitors of one router use is neither frozen nor put to sleep by the other one; a frozen one goes on and a sleeping one is started once for visitors of both", {
    timeout: 240_000,
  }, async () => {
    const { all, admin, stage } = opened();
    const doors = all.doors();
    expect(doors).toHaveLength(2);
    const names = ["short-at-0", "short-at-1", "long-at-0", "long-at-1"];
    const sites = await eachOf(names, 4, running);
    await Promise.all(sites.map((site) => stayedAwake(site, doors[Number(site.name.at(-1))] ?? "")));

    const [site] = sites;
    if (site === undefined) throw new Error("no site");
    const { name, seen } = site;
    await stage.configure(name, { settings: { idleSeconds: 3_600 } });
    // Of a slow machine it may have slept since.
    const text = (await stage.visitAll(name))[1]?.text;
    const starts = async () => (await stage.logOf(name)).split(`serving ${name} `).length - 1;
    const startsBefore = await starts();
    await expect.poll(seen, patience).toEqual({ paused: [true], replicas: 1 });
    const atBoth = async () => (await Promise.all(Array.from({ length: 10 }, () => stage.visitAll(name)))).flat();
    const ofFrozen = await atBoth();
    expect(new Set(ofFrozen.map((answer) => `${answer.status} ${answer.text}`))).toEqual(new Set([`200 ${text}`]));
    await admin.succeeded((await admin.client.call(sleepSite, { params: { name } })).operation);
    await expect.poll(seen, patience).toEqual({ paused: [], replicas: 0 });
    const ofAsleep = await atBoth();
    const [fresh, ...more] = new Set(ofAsleep.map((answer) => `${answer.status} ${answer.text}`));
    expect([fresh, more]).toEqual([expect.stringMatching(`^200 ${name} `), []]);
    expect(fresh).not.toBe(`200 ${text}`);
    expect(await seen()).toEqual({ paused: [false], replicas: 1 });
    // Every start says so.
    await expect.poll(starts, patience).toBe(startsBefore + 1);
    await eachOf(names, 4, async (each) => void (await admin.succeeded((await admin.client.call(deleteSite, { params: { name: each } })).operation)));
  });
}

/** The last that is done: afterwards there is one router. `names`: of sites that are always on. */
export function swarmRoutersLossSuite(opened: () => SwarmOpened, given: { readonly names: readonly string[]; readonly patience: { timeout: number } }): void {
  const { names, patience } = given;
  test("a router that is killed takes nothing with it: visitors of the other one notice nothing, whichever it is, and operations go on", {
    timeout: 240_000,
  }, async () => {
    const { all, admin, stage } = opened();
    const [name = ""] = names;
    const [home, away = ""] = all.doors();
    const ownRouter = () => processesWhere(({ parent, command }) => parent === all.backlot.pid && / run router /.test(command))[0]?.pid;
    const killed = ownRouter();
    expect(killed).toBeDefined();
    const atOther = stage.visitors(names, [away]);
    await stage.restart(name);
    killIfThere(killed ?? 0);
    await expect.poll(() => ownRouter() ?? killed, patience).not.toBe(killed);
    // Its HAProxy goes on without it; whoever it has no entry for hears of the router itself.
    await expect.poll(async () => (await all.backlot.visit("nobody")).status, patience).toBe(404);
    await expect.poll(async () => (await stage.visitAll(name)).map(({ status }) => status), patience).toEqual([200, 200]);
    const first = await atOther.stop();

    const atHome = stage.visitors(names, [home]);
    await all.second?.kill();
    await admin.succeeded((await admin.client.call(restartSite, { params: { name } })).operation);
    await eachOf(names, 4, async (each) => expect((await all.backlot.visit(each)).status, each).toBe(200));
    const last = await atHome.stop();
    process.stdout.write(
      `each router of a swarm was killed: ${first.count} and ${last.count} requests at the other one, ${first.failed.length + last.failed.length} failed\n`,
    );
    expect({ failed: [...first.failed, ...last.failed], isBusy: first.count > 5 && last.count > 5 }).toEqual({ failed: [], isBusy: true });
  });
}
