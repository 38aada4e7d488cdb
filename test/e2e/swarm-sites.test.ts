import { readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { changePath } from "#contract/api/files.ts";
import { listNodes, type NodeView, updateNode } from "#contract/api/nodes.ts";
import { readStatus, restartSite, updateSite } from "#contract/api/sites.ts";
import type { BodyInputOf } from "#contract/endpoint.ts";
import { edgeUser, prepareRunFolder } from "#router/edge/run-folder.ts";
import type { Person } from "../support/backlot-person.ts";
import { edgeMissing } from "../support/edge-router.ts";
import { whyNoSwarm } from "../support/swarm.ts";
import { type SwarmBacklot, startSwarmBacklot } from "../support/swarm-backlot.ts";

const missing = whyNoSwarm() ?? edgeMissing();
const names = Array.from({ length: 20 }, (_, index) => `swarm-${index}`);
/** Long enough for a machine ten times as slow. */
const patience = { timeout: 120_000, interval: 100 };
// Every start of it answers with another text.
const program = `#!/bin/sh
mkdir /tmp/www
cat /proc/sys/kernel/random/uuid > /tmp/www/index.html
exec httpd -f -p "$PORT" -h /tmp/www
`;

describe.skipIf(missing !== null)(`a whole Backlot on a swarm of two nodes behind HAProxy and nginx${missing === null ? "" : ` (${missing})`}`, () => {
  let all: SwarmBacklot;
  let admin: Person;
  beforeAll(async () => {
    const environment = { BACKLOT_NODE_BEAT_MS: "500", BACKLOT_NODE_LOST_MS: "5000", BACKLOT_EDGE: "haproxy", BACKLOT_EDGE_VISITOR_REQUESTS: "100000000" };
    all = await startSwarmBacklot({ environment });
    admin = await all.backlot.admin();
    await vi.waitFor(async () => expect((await orchestrators()).map(({ state }) => state)).toEqual(["up", "up"]), patience);
    await eachOf(names, 4, async (name) => {
      await admin.createSite(name, "dynamic");
      await configure(name, { settings: { idleSeconds: null } });
      await putProgram(name, program);
    });
    await admin.createSite("pages", "static");
    await admin.put("pages", "public/index.html", "<h1>hello</h1>");
  }, 240_000);
  afterAll(() => all?.[Symbol.asyncDispose]());

  /** The first is the one that runs beside HAProxy. */
  async function orchestrators(): Promise<readonly NodeView[]> {
    const found = (await admin.client.call(listNodes, {})).nodes.filter(({ kind }) => kind === "orchestrator");
    const isOther = ({ url }: NodeView): number => Number(all.others.some((other) => other.url === url));
    return found.toSorted((a, b) => isOther(a) - isOther(b));
  }

  async function putProgram(name: string, text: string): Promise<void> {
    await admin.put(name, "run.sh", text);
    await admin.client.call(changePath, { params: { name, "*": "run.sh" }, body: { executable: true } });
  }

  async function configure(name: string, body: BodyInputOf<typeof updateSite>): Promise<void> {
    const { operation } = await admin.client.call(updateSite, { params: { name }, body });
    if (operation !== null) await admin.succeeded(operation);
  }

  const inRunFolder = async (file: string): Promise<string> => join(await prepareRunFolder(all.backlot.data, edgeUser(undefined)), file);

  /** How many sites HAProxy itself brings visitors to, on each node. */
  async function servedByHaproxy(): Promise<readonly number[]> {
    const map = await readFile(await inRunFolder("routes.map"), "utf8");
    return all.swarm.nodes.map(({ address }) => map.split(`live|${address}|`).length - 1);
  }

  /** How many requests it brought to one of its servers. */
  async function broughtTo(server: string): Promise<number> {
    const socket = createConnection(await inRunFolder("commands.sock"));
    socket.write("show stat\n");
    const line = (await textOf(socket)).split("\n").find((candidate) => candidate.startsWith(`${server},`));
    return Number(line?.split(",")[7]);
  }

  /** Visits sites again and again, until it is told to stop; gives what failed. */
  function visitors(): { stop(): Promise<{ readonly count: number; readonly failed: readonly string[] }> } {
    let isOver = false;
    let count = 0;
    const failed: string[] = [];
    const visited = [...names, "pages"];
    const running = [0, 5, 10, 15].map(async (first) => {
      for (let index = first; !isOver; index += 1) {
        const name = visited[index % visited.length] ?? "";
        const answer = await all.backlot.visit(name).catch((error: unknown) => ({ status: 0, text: String(error) }));
        count += 1;
        if (answer.status !== 200) failed.push(`${name} ${answer.status} ${answer.text.slice(0, 200)}`);
        await delay(5);
      }
    });
    return {
      stop: async () => {
        isOver = true;
        await Promise.all(running);
        return { count, failed };
      },
    };
  }

  test("updates twenty sites under load without a failed request, past the router too", { timeout: 400_000 }, async () => {
    const before = new Map<string, string>();
    await eachOf(names, 4, async (name) => {
      const { status, text } = await all.backlot.visit(name);
      expect({ name, status }).toEqual({ name, status: 200 });
      before.set(name, text);
    });
    expect((await all.backlot.visit("pages")).text).toBe("<h1>hello</h1>");
    // Made four at a time, they are spread about evenly.
    expect(Math.min(...(await orchestrators()).map(({ sites }) => sites))).toBeGreaterThan(5);
    await expect.poll(async () => (await servedByHaproxy()).reduce((sum, count) => sum + count, 0), patience).toBe(names.length);
    expect(Math.min(...(await servedByHaproxy()))).toBeGreaterThan(4);

    const directBefore = [await broughtTo("live,kept"), await broughtTo("static,nginx")];
    const load = visitors();
    await eachOf(names, 3, async (name) => {
      await admin.succeeded((await admin.client.call(restartSite, { params: { name } })).operation);
    });
    const { count, failed } = await load.stop();
    const [live = 0, files = 0] = [await broughtTo("live,kept"), await broughtTo("static,nginx")].map((now, index) => now - (directBefore[index] ?? 0));
    process.stdout.write(
      `20 sites of a swarm were updated under load: ${count} requests, ${failed.length} failed; HAProxy brought ${live} to programs, ${files} to nginx by itself\n`,
    );
    expect({ failed, isBusy: count > 100, isDirect: live > count / 4, hasFiles: files > 0 }).toEqual({
      failed: [],
      isBusy: true,
      isDirect: true,
      hasFiles: true,
    });
    for (const name of names) expect((await all.backlot.visit(name)).text, name).not.toBe(before.get(name));
  });

  test("keeps the program that runs when a new version of it ends at once, and says so", { timeout: 240_000 }, async () => {
    const [name = ""] = names;
    const { text } = await all.backlot.visit(name);
    await putProgram(name, "#!/bin/sh\necho no such table >&2\nexit 7\n");
    const { state, failure } = await admin.ended((await admin.client.call(restartSite, { params: { name } })).operation);
    expect({ state, title: failure?.title }).toEqual({ state: "failed", title: expect.stringMatching(/7.*no such table/) });
    expect(await all.backlot.visit(name)).toMatchObject({ status: 200, text });
    await putProgram(name, program);
    await admin.succeeded((await admin.client.call(restartSite, { params: { name } })).operation);
    expect((await all.backlot.visit(name)).text).not.toBe(text);
  });

  test("says of a program that takes more memory than it may that it did", { timeout: 240_000 }, async () => {
    await admin.createSite("hungry", "dynamic");
    await configure("hungry", { limits: { memoryBytes: 32_000_000 }, reason: "small" });
    await putProgram("hungry", "#!/bin/sh\nexec dd if=/dev/zero of=/dev/null bs=200M count=1\n");
    expect((await all.backlot.visit("hungry")).status).toBe(503);
    await expect
      .poll(async () => (await admin.client.call(readStatus, { params: { name: "hungry" } })).reason, patience)
      .toMatch(/more than its 32 MB of memory/);
  });

  test("moves the sites of a node that is drained to the other one without a failed request", { timeout: 240_000 }, async () => {
    const [home] = await orchestrators();
    const total = (await orchestrators()).reduce((sum, { sites }) => sum + sites, 0);
    const load = visitors();
    await admin.client.call(updateNode, { params: { id: home?.id ?? "" }, body: { drained: true } });
    const seen = async () => (await orchestrators()).map(({ state, sites }) => `${state} ${sites}`);
    await expect.poll(seen, { ...patience, timeout: 180_000 }).toEqual(["drained 0", `up ${total}`]);
    await expect.poll(servedByHaproxy, patience).toEqual([0, names.length]);
    const { count, failed } = await load.stop();
    process.stdout.write(`a node of a swarm was drained under load: ${count} requests, ${failed.length} failed\n`);
    expect({ failed, isBusy: count > 20 }).toEqual({ failed: [], isBusy: true });
    await admin.client.call(updateNode, { params: { id: home?.id ?? "" }, body: { drained: false } });
    await expect.poll(async () => (await orchestrators()).map(({ state }) => state), patience).toEqual(["up", "up"]);
  });

  test("answers for the sites of a node that is killed, from the other one, and ends what was under way there", { timeout: 300_000 }, async () => {
    const total = (await orchestrators()).reduce((sum, { sites }) => sum + sites, 0);
    const [name = "", ...others] = names;
    const { operation } = await admin.client.call(restartSite, { params: { name } });
    const killedAt = performance.now();
    await all.others[0]?.crash();
    const answered = await eachOf([...others, name], 4, async (site) => {
      await expect.poll(async () => (await all.backlot.visit(site)).status, patience).toBe(200);
      return Math.round(performance.now() - killedAt);
    });
    process.stdout.write(`after a node was killed the last of twenty sites answered ${Math.max(...answered)} ms later\n`);
    expect((await orchestrators()).map(({ state, sites }) => ({ state, sites }))).toEqual([
      { state: "up", sites: total },
      { state: "lost", sites: 0 },
    ]);
    expect((await admin.ended(operation)).state).toBe("succeeded");
    expect((await all.backlot.visit(name)).status).toBe(200);
    expect((await all.backlot.visit("pages")).text).toBe("<h1>hello</h1>");
  });
});

/** Does something for each, a few at a time. */
async function eachOf<T>(items: readonly string[], atOnce: number, act: (item: string) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of waiting) results.push(await act(item));
    }),
  );
  return results;
}
