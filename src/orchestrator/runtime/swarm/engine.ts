import { readFileSync } from "node:fs";
import { join } from "node:path";
import Docker from "dockerode";

/** Where an engine listens, as `DOCKER_HOST` says it, and the folder of the keys for it where it wants some. */
export interface EngineAddress {
  readonly host: string;
  readonly certificates?: string | undefined;
}

/** An engine that answered. */
export interface Engine {
  readonly docker: Docker;
  /** `1.41` */
  readonly apiVersion: string;
  /** `20.10.24` */
  readonly version: string;
}

/** What we were written for; engines speak every version between their oldest and their newest. */
const oldestApi = "1.41";
const newestApi = "1.47";

/** Connects to an engine and agrees on a version of its interface. `answerMs`: the longest silence in an answer. @throws in words a person can act on. */
export async function connectEngine(address: EngineAddress, { answerMs }: { readonly answerMs?: number } = {}): Promise<Engine> {
  const options = { ...connectionOf(address), ...(answerMs === undefined ? {} : { timeout: answerMs }) };
  // The one path that needs no version.
  const found = await new Docker(options).version();
  const apiVersion = agreedVersion(found.ApiVersion, found.MinAPIVersion);
  return { docker: new Docker({ ...options, version: `v${apiVersion}` }), apiVersion, version: found.Version };
}

/** The newest version that both sides know. @throws when there is none. */
export function agreedVersion(theirs: string, theirOldest: string): string {
  if (compare(theirs, oldestApi) < 0) throw new Error(`the Docker engine speaks ${theirs} of its API; ${oldestApi} (Docker 20.10) is needed at least`);
  if (compare(theirOldest, newestApi) > 0)
    throw new Error(`the Docker engine speaks no version of its API before ${theirOldest}; ${newestApi} is the newest that Backlot knows`);
  return compare(theirs, newestApi) < 0 ? theirs : newestApi;
}

export function isAtLeast(version: string, least: string): boolean {
  return compare(version, least) >= 0;
}

function compare(a: string, b: string): number {
  const [numbersA, numbersB] = [a, b].map((text) => text.split(".").map(Number));
  const major = (numbersA?.[0] ?? 0) - (numbersB?.[0] ?? 0);
  return major !== 0 ? major : (numbersA?.[1] ?? 0) - (numbersB?.[1] ?? 0);
}

/** What a connection needs, from `unix:///run/docker.sock` or `tcp://10.0.0.1:2376`. @throws for any other. */
export function connectionOf({ host, certificates }: EngineAddress): Docker.DockerOptions {
  const socket = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (socket !== undefined) return { socketPath: socket };
  const url = /^tcp:\/\/[^/]+\/?$/.test(host) ? new URL(host) : null;
  if (url === null) throw new Error(`DOCKER_HOST is ${host}, not like unix:///var/run/docker.sock or tcp://10.0.0.1:2376`);
  const place = { host: url.hostname, port: url.port === "" ? 2375 : Number(url.port) };
  if (certificates === undefined) return { ...place, protocol: "http" };
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => readFileSync(join(certificates, name)));
  return { ...place, protocol: "https", ca, cert, key };
}

/** The status of an engine's refusal; null when it was none. */
export function statusOf(error: unknown): number | null {
  return error instanceof Error && "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : null;
}

/** Whether an engine could not be reached, or cannot answer now: it is being restarted, or its swarm has no leader. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return (
    /^(ECONNREFUSED|ENOENT|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/.test(code) ||
    statusOf(error) === 503 ||
    /socket hang up|connection error|transport is closing/.test(error.message) ||
    isLeaderless(error)
  );
}

/** Whether an engine was away before it could hear what it was asked for. */
export function isUnheard(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ECONNREFUSED" || error.code === "ENOENT");
}

/** Whether an engine says that its swarm has no leader now, or was losing it. */
export function isLeaderless(error: unknown): boolean {
  return error instanceof Error && /does not have a leader|context deadline exceeded|lost leadership|no elected cluster leader/.test(error.message);
}
