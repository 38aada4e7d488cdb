import { readFile } from "node:fs/promises";
import { request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { z } from "zod";
import type { Check } from "./check.ts";
import { checkSwarmBridge, checkSwarmGroups, type GroupFacts } from "./swarm-engine.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const tryMs = 3_000;
/** Docker 20.10. */
const oldestApi = [1, 41] as const;

const versionAnswer = z.object({ Version: z.string(), ApiVersion: z.string() });
const infoAnswer = z.object({
  Swarm: z.object({ LocalNodeState: z.string(), ControlAvailable: z.boolean() }),
  // What engines on other systems leave out is what they do not do.
  CgroupDriver: z.string().default(""),
  SwapLimit: z.boolean().default(false),
});
const bridgeAnswer = z.object({ IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string() })).nullable() }) });

/** An engine that answered. */
interface FoundEngine {
  readonly version: string;
  readonly apiVersion: string;
  /** `active` in a swarm; else `inactive`, `pending`, `locked`, `error`. */
  readonly swarm: string;
  readonly managesSwarm: boolean;
  readonly groups: GroupFacts;
  /** Of the bridge on which containers stand: `172.17.0.0/16`; null when it has none. */
  readonly subnet: string | null;
}

/** The Docker engine of this machine, which only `BACKLOT_RUNTIME=swarm` needs; where it is used, also how far it bounds programs, and how many. */
export async function checkDocker(environment: Environment): Promise<readonly Check[]> {
  const name = "docker";
  const isUsed = environment.BACKLOT_RUNTIME === "swarm";
  const host = environment.DOCKER_HOST || "unix:///var/run/docker.sock";
  const found = await ask(host, environment.DOCKER_CERT_PATH || undefined).catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  );
  if (!isUsed) {
    const detail = `not used: programs run as processes of this machine; ${found instanceof Error ? `no engine answers at ${host}` : wordsOf(found)}`;
    return [{ name, state: "info", detail }];
  }
  if (found instanceof Error) {
    const advice = "Install docker.io (20.10 or later) and start it, or name its address by DOCKER_HOST.";
    return [{ name, state: "missing", detail: `BACKLOT_RUNTIME is swarm, and no engine answers at ${host}: ${found.message}`, advice }];
  }
  const problem = problemOf(found, environment.BACKLOT_SWARM_MANAGER !== undefined && environment.BACKLOT_SWARM_MANAGER !== "");
  const engine: Check = { name, detail: wordsOf(found), ...(problem === null ? { state: "ok" } : { state: "missing", advice: problem }) };
  return [engine, ...checkSwarmGroups(found.groups), checkSwarmBridge(found.subnet)];
}

function wordsOf({ version, apiVersion, swarm, managesSwarm }: FoundEngine): string {
  const part = swarm !== "active" ? `its swarm is ${swarm}` : managesSwarm ? "it manages a swarm" : "it works in a swarm that others manage";
  return `Docker ${version} (API ${apiVersion}) answers; ${part}`;
}

/** What keeps sites from running here; null when nothing does. */
function problemOf({ apiVersion, swarm, managesSwarm }: FoundEngine, hasOtherManager: boolean): string | null {
  const [major = 0, minor = 0] = apiVersion.split(".").map(Number);
  if (major < oldestApi[0] || (major === oldestApi[0] && minor < oldestApi[1])) return "Install Docker 20.10 or later.";
  if (swarm !== "active") return "Make it one by `docker swarm init`, or let it join one (deploy/swarm.md).";
  return managesSwarm || hasOtherManager ? null : "Name an engine that manages the swarm by BACKLOT_SWARM_MANAGER.";
}

async function ask(host: string, certificates: string | undefined): Promise<FoundEngine> {
  const place = await placeOf(host, certificates);
  const { Version, ApiVersion } = versionAnswer.parse(await read(place, "/version"));
  const { Swarm, CgroupDriver, SwapLimit } = infoAnswer.parse(await read(place, "/info"));
  const { IPAM } = await read(place, "/networks/bridge").then(
    (answer) => bridgeAnswer.parse(answer),
    () => ({ IPAM: { Config: null } }),
  );
  return {
    version: Version,
    apiVersion: ApiVersion,
    swarm: Swarm.LocalNodeState,
    managesSwarm: Swarm.ControlAvailable,
    groups: { driver: CgroupDriver, countsSwap: SwapLimit, swapBytes: await swapBytes() },
    subnet: IPAM.Config?.[0]?.Subnet ?? null,
  };
}

/** How much swap this machine has. */
async function swapBytes(): Promise<number> {
  const found = await readFile("/proc/meminfo", "utf8").catch(() => "");
  return Number(/^SwapTotal:\s+(\d+) kB/m.exec(found)?.[1] ?? 0) * 1024;
}

async function placeOf(host: string, certificates: string | undefined): Promise<RequestOptions & { readonly isSecure: boolean }> {
  const socket = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (socket !== undefined) return { socketPath: socket, isSecure: false };
  const url = /^tcp:\/\/[^/]+\/?$/.test(host) ? new URL(host) : null;
  if (url === null) throw new Error("this is no address like unix:///var/run/docker.sock or tcp://10.0.0.1:2376");
  const place = { host: url.hostname, port: url.port === "" ? 2375 : Number(url.port) };
  if (certificates === undefined) return { ...place, isSecure: false };
  const [ca, cert, key] = await Promise.all(["ca.pem", "cert.pem", "key.pem"].map((file) => readFile(join(certificates, file))));
  return { ...place, ...{ ca, cert, key }, isSecure: true };
}

function read({ isSecure, ...place }: RequestOptions & { readonly isSecure: boolean }, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = (isSecure ? httpsRequest : httpRequest)({ ...place, path, signal: AbortSignal.timeout(tryMs) }, (response) => {
      if (response.statusCode === 200) json(response).then(resolve, reject);
      else {
        response.resume();
        reject(new Error(`it answers ${response.statusCode}`));
      }
    });
    request.once("error", reject);
    request.end();
  });
}
