// Sites on a real swarm of two nodes, beside what the same engines do when they are told by hand.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { changePath } from "#contract/api/files.ts";
import { listNodes } from "#contract/api/nodes.ts";
import { deploySite, readStatus, sleepSite } from "#contract/api/sites.ts";
import type { SiteState } from "#contract/site.ts";
import { packed } from "../test/support/backlot-archive.ts";
import type { Person } from "../test/support/backlot-person.ts";
import { memoryOf, processesWhere } from "../test/support/backlot-processes.ts";
import { type SwarmBacklot, startSwarmBacklot } from "../test/support/swarm-backlot.ts";
import { answers, BareSwarm, plainBootMs } from "./support/bare-swarm.ts";
import { quantile, type Table } from "./support/table.ts";

/** `BACKLOT_BENCH_SMALL=1` only shows that all of it works. */
const isSmall = process.env.BACKLOT_BENCH_SMALL === "1";
/** With fewer than forty, the 95th of a hundred is the slowest of all. */
const rounds = isSmall ? 3 : 40;
const deploys = isSmall ? 2 : 10;
const herd = isSmall ? 4 : 30;
const services = isSmall ? 20 : 1_000;
/** What Backlot and its engine may add to a program's boot, from zero. */
const addedMs = 400;
/** A machine that takes longer registers fewer, and the row says so. */
const registeringMs = 300_000;
// What a visitor sees is what stood there when the program started.
const program = '#!/bin/sh\nmkdir /tmp/www\ncp /site/text /tmp/www/index.html\nexec httpd -f -p "$PORT" -h /tmp/www\n';

interface Stage {
  readonly all: SwarmBacklot;
  readonly admin: Person;
  readonly bare: BareSwarm;
}

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  // Frozen soon, so that it need not be waited for; the rest is as it comes.
  const environment = { BACKLOT_ROUTER_FREEZE_SECONDS: "0.2", BACKLOT_ROUTER_SWEEP_MS: "20", BACKLOT_SITE_LIMIT: "5000", BACKLOT_STARTS_AT_ONCE: "30" };
  await using all = await startSwarmBacklot({ environment });
  const admin = await all.backlot.admin();
  await until(async () => (await admin.client.call(listNodes, {})).nodes.filter(({ kind, state }) => kind === "orchestrator" && state === "up").length === 2);
  const bare = await BareSwarm.open(all.swarm.nodes);
  const stage = { all, admin, bare };
  try {
    const rows: string[][] = [["on a swarm of two nodes", "Backlot", "by hand"]];
    for (const part of [wakes, deploysRow, herds, lossRow, memoryRows]) {
      const beganAt = performance.now();
      const made = await part(stage);
      rows.push(...made);
      // It takes a quarter of an hour: what is known is said at once.
      process.stderr.write(`${part.name}: ${ms(performance.now() - beganAt)}\n${made.map((row) => `  ${row.join(" | ")}\n`).join("")}`);
    }
    return rows;
  } finally {
    bare.close();
  }
}

async function wakes(stage: Stage): Promise<string[][]> {
  const { bare } = stage;
  await makeSite(stage, "wakes");
  const [frozen, asleep, unpaused, scaled, boots]: [number[], number[], number[], number[], number[]] = [[], [], [], [], []];
  const container = await bare.container("bare-paused");
  await bare.make("bare-scaled", 0);
  await visitMs(stage, "wakes");
  for (let round = 0; round < rounds; round += 1) {
    await stateIs(stage, "wakes", "frozen");
    frozen.push(await visitMs(stage, "wakes"));
    await container.pause();
    unpaused.push(await container.unpauseMs());
    await putToSleep(stage, "wakes");
    asleep.push(await visitMs(stage, "wakes"));
    scaled.push(await bare.scaleMs("bare-scaled"));
    await bare.rest("bare-scaled");
    boots.push(await plainBootMs());
  }
  await container.remove();
  await bare.remove("bare-scaled");
  await putToSleep(stage, "wakes");
  const [tail, floor] = [quantile(asleep, 0.95), quantile(scaled, 0.95)];
  const target = quantile(boots, 0.95) + addedMs;
  const ratio = (share: number): string => (quantile(asleep, share) / quantile(scaled, share)).toFixed(2);
  return [
    ["wake from frozen, beside `docker unpause` to the first 200", spread(frozen), spread(unpaused)],
    ["wake from zero, beside `docker service scale` to the first 200", spread(asleep), spread(scaled)],
    ["… the same program by itself, without a container, to the first 200", "", spread(boots)],
    [`… p95 beside the target, the program's boot at p95 + ${addedMs} ms (${ms(target)})`, isMet(tail, target), isMet(floor, target)],
    ["… as a multiple of what the engines take by hand: median, p95", `${ratio(0.5)}, ${ratio(0.95)}`, "1"],
  ];
}

async function herds(stage: Stage): Promise<string[][]> {
  const { bare } = stage;
  const names = Array.from({ length: herd }, (_, index) => `herd-${index}`);
  await inTurns(names, 6, async (name) => void (await makeSite(stage, name)));
  // A first start makes the site's service, which `docker service scale` finds made.
  const made = await Promise.all(names.map((name) => visitMs(stage, name)));
  await Promise.all(names.map((name) => stateIs(stage, name, "frozen")));
  const frozen = await Promise.all(names.map((name) => visitMs(stage, name)));
  await inTurns(names, 6, (name) => putToSleep(stage, name));
  const asleep = await Promise.all(names.map((name) => visitMs(stage, name)));
  await inTurns(names, 6, (name) => putToSleep(stage, name));

  await Promise.all(names.map((name) => bare.make(`bare-${name}`, 0)));
  const scaled = await Promise.all(names.map((name) => bare.scaleMs(`bare-${name}`)));
  await Promise.all(names.map((name) => bare.remove(`bare-${name}`)));
  const containers = await Promise.all(names.map((name) => bare.container(`paused-${name}`)));
  await Promise.all(containers.map((container) => container.pause()));
  const unpaused = await Promise.all(containers.map((container) => container.unpauseMs()));
  await Promise.all(containers.map((container) => container.remove()));
  return [
    [`${herd} at once from frozen, beside \`docker unpause\``, spread(frozen), spread(unpaused)],
    [`${herd} at once from zero, all having run before, beside \`docker service scale\``, spread(asleep), spread(scaled)],
    [`${herd} at once for the first time, their services being made`, spread(made), ""],
  ];
}

async function deploysRow(stage: Stage): Promise<string[][]> {
  const { all, admin, bare } = stage;
  await makeSite(stage, "deployed");
  await visitMs(stage, "deployed");
  await bare.make("bare-updated", 0);
  await bare.scaleMs("bare-updated");
  const [ours, theirs]: number[][] = [[], []];
  for (let round = 0; round < deploys; round += 1) {
    const text = `version ${round}`;
    const body = await packed({ "run.sh": program, text });
    const beganAt = performance.now();
    const { operation } = await admin.client.call(deploySite, { params: { name: "deployed" }, body: new Uint8Array(body) });
    await until(async () => (await all.backlot.visit("deployed")).text === text);
    ours?.push(performance.now() - beganAt);
    await admin.succeeded(operation);
    theirs?.push(await bare.updateMs("bare-updated", text));
  }
  await bare.remove("bare-updated");
  return [["deploy → first 200 of what is new, beside `docker service update` (start-first)", spread(ours), spread(theirs)]];
}

/** Sites that have run once and sleep: registered by the API, their services made like that of one that has, with names and labels of their own. */
async function memoryRows(stage: Stage): Promise<string[][]> {
  const { all, admin } = stage;
  const [{ docker }] = all.swarm.nodes;
  await makeSite(stage, "asleep-model");
  await visitMs(stage, "asleep-model");
  await putToSleep(stage, "asleep-model");
  const model = await modelService(docker);
  const before = { engine: engineBytes(stage), ours: ourBytes(stage) };
  const names = Array.from({ length: services }, (_, index) => `asleep-${index}`);
  const registeredBy = performance.now() + registeringMs;
  const sites: number[] = [];
  await inTurns(names, 20, async (name) => {
    if (performance.now() < registeredBy) sites.push((await admin.createSite(name, "dynamic")).id);
  });
  const beganAt = performance.now();
  await inTurns(sites.map(String), 8, async (siteId) => void (await docker.createService(serviceLike(model, siteId))));
  const rate = sites.length / ((performance.now() - beganAt) / 1_000);
  await delay(5_000);
  const after = { engine: engineBytes(stage), ours: ourBytes(stage) };
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  return [
    [
      `${sites.length} of ${services} sites asleep, a service at zero replicas each: Backlot, beside dockerd and containerd (before them)`,
      `${megabytes(after.ours)} (${megabytes(before.ours)})`,
      `${megabytes(after.engine)} (${megabytes(before.engine)})`,
    ],
    ["services made, per second", "", rate.toFixed(0)],
  ];
}

/** One that Backlot has made, and put to sleep. */
async function modelService(docker: Docker): Promise<Docker.ServiceSpec> {
  const found = await docker.listServices({ filters: JSON.stringify({ label: ["backlot.kind=site"] }) });
  const model = found.find(({ Spec: spec }) => spec?.Mode?.Replicated?.Replicas === 0)?.Spec;
  if (model === undefined) throw new Error("no site sleeps");
  return model;
}

function serviceLike(model: Docker.ServiceSpec, siteId: string): Docker.CreateServiceOptions {
  const labels = { ...model.Labels, "backlot.site": siteId, "backlot.start": randomUUID() };
  const template = model.TaskTemplate as { readonly ContainerSpec?: Docker.ContainerSpec };
  const container = { ...template.ContainerSpec, Labels: labels };
  return {
    ...model,
    Name: `site_${siteId.padStart(4, "0")}`,
    Labels: labels,
    TaskTemplate: { ...model.TaskTemplate, ContainerSpec: container },
  } as Docker.CreateServiceOptions;
}

async function lossRow(stage: Stage): Promise<string[][]> {
  const { all, bare } = stage;
  const [first] = all.swarm.nodes;
  const [other] = all.others;
  if (other === undefined) throw new Error("there are two nodes");
  const name = await siteOn(stage, other.node.docker);
  await onlyNew(first.docker, first.name, "pause");
  await bare.make("bare-lost", 0);
  await bare.scaleMs("bare-lost");
  await onlyNew(first.docker, first.name, "active");
  // To its first 200, as the sites are timed: that its container was started says less.
  const elsewhere = bare.whenStarted("bare-lost").then((url) => answers(url, "one"));
  const lostAt = performance.now();
  await other.crash();
  const since = async (answered: Promise<unknown>): Promise<number> => {
    await answered;
    return performance.now() - lostAt;
  };
  const answered = until(async () => (await all.backlot.visit(name, "/", { signal: AbortSignal.timeout(30_000) })).status === 200);
  const [ours, theirs] = await Promise.all([since(answered), since(elsewhere)]);
  return [["a node is lost → its site answers elsewhere, beside a service that the swarm starts elsewhere, to its first 200", ms(ours), ms(theirs)]];
}

/** The name of a site that runs on a node. Sites go where the fewest are, which this one becomes after a few. */
async function siteOn(stage: Stage, docker: Docker): Promise<string> {
  for (let index = 0; index < 20; index += 1) {
    const name = `lost-${index}`;
    const siteId = await makeSite(stage, name);
    await visitMs(stage, name);
    if ((await docker.listContainers({ filters: JSON.stringify({ label: [`backlot.site=${siteId}`] }) })).length > 0) return name;
  }
  throw new Error("no site runs on that node");
}

async function onlyNew(docker: Docker, host: string, availability: "active" | "pause"): Promise<void> {
  const nodes = await docker.listNodes();
  const node = nodes.find(({ Description: description }) => description?.Hostname === host);
  const handle = docker.getNode(node?.ID ?? "");
  await handle.update({ ...node?.Spec, version: node?.Version?.Index, Availability: availability });
}

async function makeSite({ admin }: Stage, name: string): Promise<number> {
  const { id } = await admin.createSite(name, "dynamic");
  await admin.put(name, "text", "one");
  await admin.put(name, "run.sh", program);
  await admin.client.call(changePath, { params: { name, "*": "run.sh" }, body: { executable: true } });
  return id;
}

async function visitMs({ all }: Stage, name: string): Promise<number> {
  const beganAt = performance.now();
  const { status } = await all.backlot.visit(name);
  if (status !== 200) throw new Error(`${name} answered ${status}`);
  return performance.now() - beganAt;
}

async function putToSleep({ admin }: Stage, name: string): Promise<void> {
  await admin.succeeded((await admin.client.call(sleepSite, { params: { name } })).operation);
}

async function stateIs({ admin }: Stage, name: string, wanted: SiteState): Promise<void> {
  await until(async () => (await admin.client.call(readStatus, { params: { name } })).state === wanted);
}

function engineBytes({ all }: Stage): number {
  const [{ name }] = all.swarm.nodes;
  const folder = `${all.swarm.folder}/${name.slice(-2)}/`;
  return sum(processesWhere(({ command }) => command.includes(folder) && !command.includes("shim")).map(({ pid }) => memoryOf(pid)));
}

function ourBytes({ all }: Stage): number {
  return sum(all.backlot.processes().flatMap(({ pid, command }) => (/backlot\.mjs|postgres/.test(command) ? [memoryOf(pid)] : [])));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Median, the 95th of a hundred, and the least and the most. */
function spread(values: readonly number[] = []): string {
  return `${ms(quantile(values, 0.5))}, p95 ${ms(quantile(values, 0.95))} [${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))}]`;
}

function isMet(value: number, target: number): string {
  return `${ms(value)}: ${value <= target ? "met" : "missed"}`;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

async function inTurns(items: readonly string[], atOnce: number, act: (item: string) => Promise<void>): Promise<void> {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of waiting) await act(item);
    }),
  );
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error("it did not come to be so");
    await delay(5);
  }
}
