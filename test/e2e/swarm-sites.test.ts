import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createImage, listImages } from "#contract/api/images.ts";
import { updateNode } from "#contract/api/nodes.ts";
import { createSite, deleteSite, deploySite, readStatus, restartSite, updateSite } from "#contract/api/sites.ts";
import { packedEntries } from "../support/backlot-archive.ts";
import type { Person } from "../support/backlot-person.ts";
import { edgeMissing } from "../support/edge-router.ts";
import { whyNoSwarm } from "../support/swarm.ts";
import { type SwarmBacklot, startSwarmBacklot } from "../support/swarm-backlot.ts";
import { swarmEdgeSuite } from "../support/swarm-edge-suite.ts";
import { putToRest, swarmEngineSuite } from "../support/swarm-engine-suite.ts";
import { swarmHandSuite } from "../support/swarm-hand-suite.ts";
import { nginxImage, nodeImage, plainImage, shellessImage } from "../support/swarm-images.ts";
import { swarmRestSuite } from "../support/swarm-rest-suite.ts";
import { swarmRoutersLossSuite, swarmRoutersRestSuite } from "../support/swarm-routers-suite.ts";
import { eachOf, type SwarmStage, swarmStage } from "../support/swarm-stage.ts";
import { asking, enginePort, platformTargets, reachedFrom, type SwarmSurroundings, startSurroundings, told } from "../support/swarm-surroundings.ts";

const missing = whyNoSwarm() ?? edgeMissing();
const names = Array.from({ length: 20 }, (_, index) => `swarm-${index}`);
/** Frozen and put to sleep while nobody visits them. */
const resting: string[] = [];
/** Long enough for a machine ten times as slow. */
const patience = { timeout: 120_000, interval: 100 };
/** Of the hosts in labels for Traefik. */
const labelDomain = "sites.example.com";
/** Neither frozen nor put to sleep. */
const alwaysOn = { settings: { idleSeconds: null } };
// It answers with its site's name and what is in it, and every start of it with another text.
const programOf = (name: string, version = "first") => `#!/bin/sh
mkdir /tmp/www
echo "${name} ${version} $(cat /proc/sys/kernel/random/uuid)" > /tmp/www/index.html
echo "serving $(cat /tmp/www/index.html)"
exec httpd -f -p "$PORT" -h /tmp/www
`;

describe.skipIf(missing !== null)(`a whole Backlot on a swarm of two nodes and two routers behind HAProxy${missing === null ? "" : ` (${missing})`}`, () => {
  let all: SwarmBacklot;
  let admin: Person;
  let stage: SwarmStage;
  let around: SwarmSurroundings;
  /** Names of sites by their numbers. */
  const nameOf = new Map<number, string>();
  beforeAll(async () => {
    const beats = { BACKLOT_NODE_BEAT_MS: "500", BACKLOT_NODE_LOST_MS: "5000" };
    const environment = { ...beats, BACKLOT_EDGE: "haproxy", BACKLOT_EDGE_VISITOR_REQUESTS: "100000000", BACKLOT_ROUTER_FREEZE_SECONDS: "3" };
    all = await startSwarmBacklot({
      environment,
      twoRouters: true,
      images: [plainImage, nodeImage, shellessImage, nginxImage],
      everywhere: { BACKLOT_TRAEFIK_SITES_DOMAIN: labelDomain, BACKLOT_STATIC_IMAGE: nginxImage },
      // Engines that anybody on the network can ask: what must not be reached has to be there.
      dockerdArguments: ["-H", `tcp://0.0.0.0:${enginePort}`],
      beside: async (swarm) => {
        around = await startSurroundings(swarm);
        return around;
      },
    });
    admin = await all.backlot.admin();
    stage = swarmStage(all, admin);
    await vi.waitFor(async () => expect((await stage.orchestrators()).map(({ state }) => state)).toEqual(["up", "up"]), patience);
    await eachOf(names, 4, async (name) => {
      nameOf.set((await admin.createSite(name, "dynamic")).id, name);
      await stage.configure(name, alwaysOn);
      await stage.putProgram(name, programOf(name));
    });
    await admin.createSite("pages", "static");
    await admin.put("pages", "public/index.html", "<h1>hello</h1>");
  }, 240_000);
  afterAll(() => all?.[Symbol.asyncDispose]());

  test("deploys changed files to twenty sites under load without a failed request, past the router too: visitors see what was or what is new", {
    timeout: 400_000,
  }, async () => {
    const before = new Map<string, string>();
    await eachOf(names, 4, async (name) => {
      const [one, other] = await stage.visitAll(name);
      expect({ name, status: one?.status, other }).toMatchObject({ name, status: 200, other: { status: 200, text: one?.text } });
      before.set(name, one?.text ?? "");
    });
    expect((await all.backlot.visit("pages")).text).toBe("<h1>hello</h1>");
    // Made four at a time, they are spread about evenly.
    expect(Math.min(...(await stage.orchestrators()).map(({ sites }) => sites))).toBeGreaterThan(5);
    await expect.poll(async () => (await stage.servedByHaproxy()).reduce((sum, count) => sum + count, 0), patience).toBe(names.length);
    expect(Math.min(...(await stage.servedByHaproxy()))).toBeGreaterThan(4);

    const directBefore = [await stage.broughtTo("live,kept"), await stage.broughtTo("static,nginx")];
    const load = stage.visitors([...names, "pages"]);
    await eachOf(names, 3, async (name) => {
      const body = await packedEntries([{ header: { name: "run.sh", mode: 0o755 }, content: programOf(name, "second") }]);
      await admin.succeeded((await admin.client.call(deploySite, { params: { name }, body: new Uint8Array(body) })).operation);
    });
    const after = new Map(await eachOf(names, 4, async (name) => [name, (await stage.visitAll(name)).map(({ text }) => text)] as const));
    const { count, failed, answers } = await load.stop();
    const [live = [], files = []] = [await stage.broughtTo("live,kept"), await stage.broughtTo("static,nginx")].map((now, kind) =>
      now.map((requests, door) => requests - (directBefore[kind]?.[door] ?? 0)),
    );
    process.stdout.write(
      `20 sites of a swarm got a deployment under load: ${count} requests at two routers, ${failed.length} failed; HAProxies brought ${live.join(" and ")} to programs, ${files.join(" and ")} to nginx by themselves\n`,
    );
    const isAtBoth = (brought: readonly number[], least: number): boolean => brought.length === 2 && Math.min(...brought) > least;
    expect({ failed, isBusy: count > 100, isDirect: isAtBoth(live, count / 8), hasFiles: isAtBoth(files, 0) }).toEqual({
      failed: [],
      isBusy: true,
      isDirect: true,
      hasFiles: true,
    });
    for (const name of names) {
      const was = before.get(name) ?? "";
      const [is = "", other] = after.get(name) ?? [];
      expect([was, is, other]).toEqual([expect.stringMatching(`^${name} first `), expect.stringMatching(`^${name} second `), is]);
      // Of each site one program before and one after: nothing else ever answered in its name.
      expect(
        [...(answers.get(name) ?? [])].filter((text) => text !== was && text !== is),
        name,
      ).toEqual([]);
    }
  });

  test("keeps the program that runs when a new version of it ends at once, and says so", { timeout: 240_000 }, async () => {
    const [name = ""] = names;
    const { text } = await all.backlot.visit(name);
    await stage.putProgram(name, "#!/bin/sh\necho no such table >&2\nexit 7\n");
    const { state, failure } = await admin.ended((await admin.client.call(restartSite, { params: { name } })).operation);
    expect({ state, title: failure?.title }).toEqual({ state: "failed", title: expect.stringMatching(/7.*no such table/) });
    expect(await all.backlot.visit(name)).toMatchObject({ status: 200, text });
    await stage.putProgram(name, programOf(name));
    await stage.restart(name);
    expect((await all.backlot.visit(name)).text).not.toBe(text);
  });

  test("keeps the version that runs when a deployment of a new one ends at once, with the new files in place, and says so", {
    timeout: 240_000,
  }, async () => {
    const params = { name: "shop" };
    await admin.createSite(params.name, "dynamic");
    await stage.configure(params.name, alwaysOn);
    const deploy = async (files: Readonly<Record<string, string>>) => {
      const entries = Object.entries(files).map(([name, content]) => ({ header: { name, mode: 0o755 }, content }));
      return admin.ended((await admin.client.call(deploySite, { params, body: new Uint8Array(await packedEntries(entries)) })).operation);
    };
    const serving = "#!/bin/sh\ncp -r /site/public /tmp/www\nexec httpd -f -p $PORT -h /tmp/www\n";
    const visit = async () => (await all.backlot.visit(params.name)).text;
    expect((await deploy({ "run.sh": serving, "public/index.html": "one", "public/old.html": "old" })).state).toBe("succeeded");
    expect(await visit()).toBe("one");
    const load = stage.visitors([params.name]);
    const { state, failure } = await deploy({ "run.sh": "#!/bin/sh\necho no such column >&2\nexit 9\n", "public/index.html": "two" });
    expect({ state, title: failure?.title }).toEqual({ state: "failed", title: expect.stringMatching(/exited 9.*no such column/) });
    expect([await visit(), String(await admin.get(params.name, "public/index.html"))]).toEqual(["one", "two"]);
    await expect(admin.get(params.name, "public/old.html")).rejects.toMatchObject({ code: "file_not_found" });
    expect((await admin.client.call(readStatus, { params })).state).toBe("running");
    expect((await deploy({ "run.sh": serving, "public/index.html": "three" })).state).toBe("succeeded");
    expect(await visit()).toBe("three");
    expect((await load.stop()).failed).toEqual([]);
    await admin.succeeded((await admin.client.call(deleteSite, { params })).operation);
  });

  test("lets sites of either node reach neither each other nor anything of the platform, from a program, a terminal, a task, and one that may go out", {
    timeout: 300_000,
  }, async () => {
    for (const name of names) await all.backlot.visit(name);
    const targets = await platformTargets(all, around.targets);
    const { nodes } = all.swarm;
    const open = new Set((await Promise.all(nodes.map(({ inNetwork }) => reachedFrom(inNetwork, targets)))).flat());
    expect(targets.filter((target) => !open.has(target))).toEqual([]);
    const nothing = { open: [], closed: targets.length };
    const asks = asking(targets);
    await Promise.all(
      (await stage.sitesOn()).map(async (numbers) => {
        const name = numbers.flatMap((number) => nameOf.get(number) ?? []).at(-1) ?? "nobody";
        const { text } = await all.backlot.visit(name);
        await stage.putProgram(name, programOf(name).replace("mkdir", `${asks}mkdir`));
        for (const egress of ["none", "internet"] as const) {
          // What changes here restarts the program by itself.
          if (egress === "none") await stage.restart(name);
          else await stage.configure(name, { egress, reason: "to be tried" });
          const asked = (await stage.logOf(name)).split("asked").at(-2) ?? "";
          expect({ name, egress, ...told(asked) }).toEqual({ name, egress, ...nothing });
          expect((await all.backlot.visit(name)).text).not.toBe(text);
          // What was typed comes back with what it printed.
          if (egress === "none") await stage.putProgram(name, `#!/bin/sh\n${asks}`, "private/scripts/try.sh");
          const shown = await stage.typed(name, "sh /site/private/scripts/try.sh");
          expect({ name, egress, ...told(shown) }, "from a terminal").toEqual({ name, egress, ...nothing });
        }
        expect({ name, ...told(await stage.taskIn(name, asks)) }).toEqual({ name, ...nothing });
        await stage.putProgram(name, programOf(name));
        await stage.configure(name, { egress: "none", reason: "was tried" });
      }),
    );
    // And the routers reach every site, on both nodes.
    for (const name of names)
      expect(
        (await stage.visitAll(name)).map(({ status }) => status),
        name,
      ).toEqual([200, 200]);
    expect(Math.min(...(await stage.servedByHaproxy()))).toBeGreaterThan(4);
  });

  swarmRestSuite(() => ({ all, admin, stage }), { program: programOf("resting"), patience });

  swarmRoutersRestSuite(() => ({ all, admin, stage }), { programOf, patience });

  test("says of a program that takes more memory than it may that it did", { timeout: 240_000 }, async () => {
    await admin.createSite("hungry", "dynamic");
    await stage.configure("hungry", { limits: { memoryBytes: 32_000_000 }, reason: "small" });
    await stage.putProgram("hungry", "#!/bin/sh\nexec dd if=/dev/zero of=/dev/null bs=200M count=1\n");
    expect((await all.backlot.visit("hungry")).status).toBe(503);
    await expect
      .poll(async () => (await admin.client.call(readStatus, { params: { name: "hungry" } })).reason, patience)
      .toMatch(/more than its 32 MB of memory/);
  });

  test("runs a site, its terminal and its tasks in an image that an administrator adds, and says what is wrong with one that is none", {
    timeout: 240_000,
  }, async () => {
    const params = { name: "framed" };
    const runTemplate = "#!/bin/sh\nexec node -e 'require(\"http\").createServer((q, a) => a.end(process.version)).listen(process.env.PORT)'\n";
    const add = async (name: string, reference: string) =>
      (await admin.client.call(createImage, { body: { name, reference, runTemplate: name === "Node" ? runTemplate : "" } })).image.id;
    const image = await add("Node", nodeImage);
    const { operation } = await admin.client.call(createSite, { body: { ...params, kind: "dynamic", image } });
    await admin.succeeded(operation);
    await stage.configure(params.name, alwaysOn);
    const { images, isUsed } = await admin.client.call(listImages, {});
    expect(isUsed).toBe(true);
    await stage.putProgram(params.name, images.find(({ id }) => id === image)?.runTemplate ?? "");
    expect(await all.backlot.visit(params.name)).toMatchObject({ status: 200, text: process.version });
    expect(await stage.typed(params.name, "node --version")).toContain(process.version);
    expect(await stage.taskIn(params.name, "node --version\n")).toBe(`${process.version}\n`);

    for (const [name, reference, words] of [
      [
        "Nobody's",
        "nobody/has-this:1",
        /^The site's image nobody\/has-this:1 cannot be used: it is not on this machine\. Choose another image, or tell an administrator\.$/,
      ],
      ["Bare", shellessImage, /the image backlot-test\/shell-less:1 has no shell \(\/bin\/sh\), which starts run\.sh\. Choose another image\./],
    ] as const) {
      const changed = await admin.client.call(updateSite, { params, body: { image: await add(name, reference) } });
      const { state, failure } = changed.operation === null ? { state: "none", failure: null } : await admin.ended(changed.operation);
      expect({ reference, state, title: failure?.title }).toEqual({ reference, state: "failed", title: expect.stringMatching(words) });
      expect(await all.backlot.visit(params.name)).toMatchObject({ status: 200, text: process.version });
    }
    await expect(stage.typed(params.name, "true")).rejects.toThrow(/image .* has no shell \(\/bin\/sh\)\. Choose another image, /);
    await stage.configure(params.name, { image });
    await admin.succeeded((await admin.client.call(deleteSite, { params })).operation);
  });

  swarmEdgeSuite(() => ({ all, admin, stage }), { programOf, patience, domain: labelDomain, staticImage: nginxImage });

  swarmHandSuite(() => ({ all, admin, stage }), { programOf, patience });

  swarmEngineSuite(() => ({ all, admin, stage, nameOf }), { names, resting, programOf, patience });

  test("moves the sites of a node that is drained to the other one without a failed request", { timeout: 240_000 }, async () => {
    const [home] = await stage.orchestrators();
    const total = (await stage.orchestrators()).reduce((sum, { sites }) => sum + sites, 0);
    const load = stage.visitors([...names, "pages"]);
    await admin.client.call(updateNode, { params: { id: home?.id ?? "" }, body: { drained: true } });
    const seen = async () => (await stage.orchestrators()).map(({ state, sites }) => `${state} ${sites}`);
    await expect.poll(seen, { ...patience, timeout: 180_000 }).toEqual(["drained 0", `up ${total}`]);
    await expect.poll(stage.servedByHaproxy, patience).toEqual([0, names.length]);
    const { count, failed } = await load.stop();
    process.stdout.write(`a node of a swarm was drained under load: ${count} requests, ${failed.length} failed\n`);
    expect({ failed, isBusy: count > 20 }).toEqual({ failed: [], isBusy: true });
    await admin.client.call(updateNode, { params: { id: home?.id ?? "" }, body: { drained: false } });
    await expect.poll(async () => (await stage.orchestrators()).map(({ state }) => state), patience).toEqual(["up", "up"]);
  });

  test("answers for the sites of a node that is killed, from the other one, and ends what was under way there", { timeout: 300_000 }, async () => {
    const total = (await stage.orchestrators()).reduce((sum, { sites }) => sum + sites, 0);
    const [name = "", ...others] = names;
    await putToRest({ all, admin, stage }, resting, patience);
    const { operation } = await admin.client.call(restartSite, { params: { name } });
    const killedAt = performance.now();
    await all.others[0]?.crash();
    const answered = await eachOf([...resting, ...others, name], 4, async (site) => {
      await expect.poll(async () => (await stage.visitAll(site)).map(({ status }) => status), patience).toEqual([200, 200]);
      return Math.round(performance.now() - killedAt);
    });
    process.stdout.write(`after a node was killed the last of its sites, one of them frozen and one asleep, answered ${Math.max(...answered)} ms later\n`);
    expect((await stage.orchestrators()).map(({ state, sites }) => ({ state, sites }))).toEqual([
      { state: "up", sites: total },
      { state: "lost", sites: 0 },
    ]);
    expect((await admin.ended(operation)).state).toBe("succeeded");
    expect((await stage.visitAll(name)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await stage.visitAll("pages")).map(({ text }) => text)).toEqual(["<h1>hello</h1>", "<h1>hello</h1>"]);
  });

  swarmRoutersLossSuite(() => ({ all, admin, stage }), { names, patience });
});
