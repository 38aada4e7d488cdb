import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterKey } from "#kit/cluster-key.ts";
import { silentLog } from "#kit/log.ts";
import { start as startManager } from "../../src/manager/start.ts";
import { start as startWorker } from "../../src/worker/start.ts";
import { createClusterKey, type FakeComponent } from "./fake-component.ts";
import { type FakeOrchestratorState, startFakeOrchestrator } from "./fake-orchestrator.ts";
import { startFakeRouter } from "./fake-router.ts";
import { createTestDatabase } from "./test-database.ts";

/** A manager and a worker over a real database, with a fake orchestrator and router. */
export interface ManagerBench extends AsyncDisposable {
  readonly url: string;
  readonly key: ClusterKey;
  readonly orchestrator: FakeComponent & { readonly state: FakeOrchestratorState };
  readonly router: FakeComponent;
  readonly databaseUrl: string;
  /** A request as one of the bench's people; a bearer token unless told otherwise. */
  request(path: string, init?: RequestInit & { readonly as?: string; readonly json?: unknown }): Promise<Response>;
  /** Adds a person and gives a token of theirs; `admin` is there from the start. */
  person(username: string): Promise<string>;
}

export const adminPassword = "correct horse battery";

/** Starts all of it on free ports. */
export async function startManagerBench(environment: Readonly<Record<string, string>> = {}): Promise<ManagerBench> {
  const stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "backlot-manager-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const key = await createClusterKey();
  const keyFile = join(folder, "cluster.json");
  await writeFile(keyFile, JSON.stringify(key));
  const database = stack.use(await createTestDatabase());
  const orchestrator = stack.use(await startFakeOrchestrator(key));
  const router = stack.use(await startFakeRouter(key));
  const settings = {
    DATABASE_URL: database.url,
    BACKLOT_CLUSTER_KEY_FILE: keyFile,
    BACKLOT_ORCHESTRATOR_URL: orchestrator.url,
    BACKLOT_ROUTER_URLS: router.url,
    BACKLOT_PORT: "0",
    BACKLOT_ADMIN_PASSWORD: adminPassword,
    ...environment,
  };
  const manager = await startManager(settings, silentLog());
  stack.defer(() => manager.stop());
  const worker = await startWorker(settings, silentLog());
  stack.defer(() => worker.stop());
  const url = manager.doors.manager ?? "";
  const tokens = new Map<string, string>();
  const request: ManagerBench["request"] = (path, { as, json, ...init } = {}) => {
    const headers = new Headers(init.headers);
    const token = as === undefined ? undefined : tokens.get(as);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    if (json !== undefined) headers.set("content-type", "application/json");
    return fetch(`${url}${path}`, { ...init, headers, ...(json === undefined ? {} : { body: JSON.stringify(json) }) });
  };
  const tokenFor = async (username: string, password: string): Promise<string> => {
    const session = await request("/api/v1/session", { method: "POST", json: { username, password } });
    const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? "";
    const made = await request("/api/v1/tokens", { method: "POST", json: { name: "test" }, headers: { cookie, origin: url } });
    const { secret } = (await made.json()) as { secret: string };
    tokens.set(username, secret);
    return secret;
  };
  await tokenFor("admin", adminPassword);
  const person = async (username: string): Promise<string> => {
    await request("/api/v1/users", { method: "POST", as: "admin", json: { username, password: "a password" } });
    return tokenFor(username, "a password");
  };
  return { url, key, databaseUrl: database.url, orchestrator, router, request, person, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
