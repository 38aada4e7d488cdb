// What tests do with a Backlot on a swarm behind HAProxy, and how they look at it.
import { readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { changePath } from "#contract/api/files.ts";
import { listNodes, type NodeView } from "#contract/api/nodes.ts";
import { readLogs, restartSite, updateSite } from "#contract/api/sites.ts";
import { createTask, readTask, readTaskLog } from "#contract/api/tasks.ts";
import { openTerminal } from "#contract/api/terminals.ts";
import type { BodyInputOf } from "#contract/endpoint.ts";
import { isTaskEnded } from "#contract/task.ts";
import { edgeUser, prepareRunFolder } from "#router/edge/run-folder.ts";
import type { Person } from "./backlot-person.ts";
import { type Visited, visit } from "./backlot-visit.ts";
import { until } from "./swarm.ts";
import type { SwarmBacklot } from "./swarm-backlot.ts";
import { TerminalClient } from "./terminal-client.ts";

/** Visits that go on beside a test. */
export interface Visitors {
  /** `foreign`: what another site answered, as far as programs answer with their site's name first; `answers`: every text that a site answered with. */
  stop(): Promise<{
    readonly count: number;
    readonly failed: readonly string[];
    readonly foreign: readonly string[];
    readonly answers: ReadonlyMap<string, ReadonlySet<string>>;
  }>;
}

/** A Backlot on a swarm, as its suites get it. */
export interface SwarmOpened {
  readonly all: SwarmBacklot;
  readonly admin: Person;
  readonly stage: SwarmStage;
}

export interface SwarmStage {
  /** The first is the one that runs beside HAProxy. */
  orchestrators(): Promise<readonly NodeView[]>;
  putProgram(name: string, text: string, path?: string): Promise<void>;
  configure(name: string, body: BodyInputOf<typeof updateSite>): Promise<void>;
  restart(name: string): Promise<void>;
  logOf(name: string): Promise<string>;
  /** What a task of a site prints. */
  taskIn(site: string, script: string): Promise<string>;
  /** What a terminal of a site shows when this has been typed into it. */
  typed(site: string, line: string): Promise<string>;
  /** Numbers of the sites whose programs run on each node. */
  sitesOn(): Promise<readonly (readonly number[])[]>;
  /** How many sites the first router's HAProxy itself brings visitors to, on each node. */
  servedByHaproxy(): Promise<readonly number[]>;
  /** How many requests the HAProxy of each router brought to one of its servers. */
  broughtTo(server: string): Promise<readonly number[]>;
  /** Visits a site at every router. */
  visitAll(name: string): Promise<readonly Visited[]>;
  /** Visits sites again and again, at all routers in turn unless told otherwise, until it is told to stop; gives what failed. */
  visitors(visited: readonly string[], doors?: readonly string[]): Visitors;
}

export function swarmStage(all: SwarmBacklot, admin: Person): SwarmStage {
  const inRunFolder = async (file: string, data = all.backlot.data): Promise<string> => join(await prepareRunFolder(data, edgeUser(undefined)), file);
  const stage: SwarmStage = {
    orchestrators: async () => {
      const found = (await admin.client.call(listNodes, {})).nodes.filter(({ kind }) => kind === "orchestrator");
      const isOther = ({ url }: NodeView): number => Number(all.others.some((other) => other.url === url));
      return found.toSorted((a, b) => isOther(a) - isOther(b));
    },
    putProgram: async (name, text, path = "run.sh") => {
      await admin.put(name, path, text);
      await admin.client.call(changePath, { params: { name, "*": path }, body: { executable: true } });
    },
    configure: async (name, body) => {
      const { operation } = await admin.client.call(updateSite, { params: { name }, body });
      if (operation !== null) await admin.succeeded(operation);
    },
    restart: async (name) => void (await admin.succeeded((await admin.client.call(restartSite, { params: { name } })).operation)),
    logOf: async (name) => (await admin.client.fetch(readLogs, { params: { name }, query: { tail: 1_000 } })).text(),
    taskIn: async (site, script) => {
      await stage.putProgram(site, `#!/bin/sh\n${script}`, "private/scripts/try.sh");
      const { task } = await admin.client.call(createTask, { body: { script: "try.sh", site } });
      const params = { uid: task.uid };
      await until(async () => isTaskEnded((await admin.client.call(readTask, { params })).task.state), 120_000);
      return (await admin.client.fetch(readTaskLog, { params: { ...params, stream: "stdout" }, query: {} })).text();
    },
    typed: async (name, line) => {
      const { terminal } = await admin.client.call(openTerminal, { params: { name }, body: { size: { cols: 80, rows: 24 }, environment: {} } });
      const address = `${all.backlot.manager.replace("http", "ws")}/api/v1/sites/${name}/terminals/${terminal.id}/socket`;
      const client = new TerminalClient(new WebSocket(address, { headers: { authorization: `Bearer ${admin.token}` } }));
      try {
        await client.event("attached");
        client.type(`${line}; echo "typed-$((40 + 2))"; exit\r`);
        await client.until(({ shown, closedWith }) => shown.includes("typed-42") || closedWith !== null, 60_000);
        if (!client.shown.includes("typed-42")) throw new Error(`the terminal has ended: ${JSON.stringify(client.events)} ${client.shown}`);
        return client.shown;
      } finally {
        client.socket.close();
      }
    },
    sitesOn: () =>
      Promise.all(
        all.swarm.nodes.map(async ({ docker }) => {
          const found = await docker.listContainers({ filters: JSON.stringify({ label: ["backlot.kind=site"] }) });
          return found.map(({ Labels: labels }) => Number(labels["backlot.site"]));
        }),
      ),
    servedByHaproxy: async () => {
      const map = await readFile(await inRunFolder("routes.map"), "utf8");
      return all.swarm.nodes.map(({ address }) => map.split(`live|${address}|`).length - 1);
    },
    broughtTo: (server) =>
      Promise.all(
        [all.backlot.data, ...(all.second === null ? [] : [all.second.data])].map(async (data) => {
          const socket = createConnection(await inRunFolder("commands.sock", data));
          socket.write("show stat\n");
          const line = (await textOf(socket)).split("\n").find((candidate) => candidate.startsWith(`${server},`));
          return Number(line?.split(",")[7]);
        }),
      ),
    visitAll: (name) => Promise.all(all.doors().map((door) => visitSite(door, name))),
    visitors: (visited, doors = all.doors()) => visitorsOf(doors, visited),
  };
  return stage;
}

const visitSite = (door: string, name: string): Promise<Visited> => visit(door, { host: `${name}.localhost`, path: "/" });

function visitorsOf(doors: readonly string[], visited: readonly string[]): Visitors {
  let isOver = false;
  let count = 0;
  const failed: string[] = [];
  const foreign: string[] = [];
  const answers = new Map(visited.map((name) => [name, new Set<string>()]));
  const running = [0, 5, 10, 15].map(async (first) => {
    for (let index = first; !isOver; index += 1) {
      const place = index % visited.length;
      const name = visited[place] ?? "";
      // Each site at another door in each round, whatever their numbers.
      const door = ((index - place) / visited.length + place) % doors.length;
      const answer = await visitSite(doors[door] ?? "", name).catch((error: unknown) => ({ status: 0, text: String(error) }));
      count += 1;
      if (answer.status !== 200) failed.push(`${name} at door ${door}: ${answer.status} ${answer.text.slice(0, 200)}`);
      else answers.get(name)?.add(answer.text);
      if (isAnothers(answer.text, name, visited)) foreign.push(`${name}: ${answer.text}`);
      await delay(5);
    }
  });
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(running);
      return { count, failed, foreign, answers };
    },
  };
}

/** Whether a program of another site has said this. */
export function isAnothers(text: string, name: string, names: readonly string[]): boolean {
  const [first = ""] = text.split(" ");
  return first !== name && names.includes(first);
}

/** Does something for each, a few at a time. */
export async function eachOf<T>(items: readonly string[], atOnce: number, act: (item: string) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of waiting) results.push(await act(item));
    }),
  );
  return results;
}
