// A router with real sockets between a fake manager (the route feed) and a fake orchestrator (wake and sleep), with real tokens.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { JWK } from "jose";
import { formatEvent } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import { followRoutes, type RouteFeedEvent } from "#contract/internal/manager.ts";
import { reportToLog, sleepSite, wakeSite } from "#contract/internal/orchestrator.ts";
import { claimInstances, freezeSite, type RestOutcome } from "#contract/internal/site-rest.ts";
import { siteFolder } from "#contract/site.ts";
import type { SiteAddress, SiteRoute } from "#contract/site-spec.ts";
import { type ComponentClient, createComponentClient } from "#kit/component-client.ts";
import { createSigner, createVerifier, type GrantSigner } from "#kit/grant.ts";
import { componentGuard } from "#kit/http/component-guard.ts";
import { mount } from "#kit/http/mount.ts";
import { createServer } from "#kit/http/server.ts";
import type { RunningService } from "#kit/lifecycle.ts";
import { silentLog } from "#kit/log.ts";
import { start } from "#router/start.ts";

/** A route with everything that a test does not care about filled in. */
export function aRoute(over: Partial<SiteRoute> & { readonly siteId: number; readonly name: string }): SiteRoute {
  return {
    hosts: [`${over.name}.localhost`],
    kind: "dynamic",
    availability: "enabled",
    requestBodyBytes: 2 * 1024 * 1024,
    idleSeconds: null,
    botsWake: false,
    cache: null,
    purpose: "project",
    ...over,
  };
}

/** The manager as the router sees it: a feed of routes. */
export class FakeManager {
  readonly #app: FastifyInstance;
  readonly #followers = new Set<(event: RouteFeedEvent | null) => void>();
  version = 1;
  routes: SiteRoute[] = [];
  orchestrator = "http://127.0.0.1:1";
  grant = "";
  /** How often the feed was opened. */
  connections = 0;
  url = "";

  private constructor(app: FastifyInstance) {
    this.#app = app;
  }

  static async start(routerSecret: Uint8Array): Promise<FakeManager> {
    const app = createServer({ log: silentLog() });
    const manager = new FakeManager(app);
    const guard = componentGuard({ audience: "manager", verify: await createVerifier(routerSecret) });
    mount({ app, guard }, followRoutes, async ({ signal }) => Readable.from(manager.#feed(signal)));
    manager.url = await app.listen({ host: "127.0.0.1", port: 0 });
    return manager;
  }

  /** Tells the router of new and changed routes. */
  upsert(...routes: readonly SiteRoute[]): void {
    this.version += 1;
    const ids = new Set(routes.map((route) => route.siteId));
    this.routes = [...this.routes.filter((route) => !ids.has(route.siteId)), ...routes];
    this.#send({ type: "change", version: this.version, upserts: [...routes], removed: [] });
  }

  /** Tells the router that a site is gone. */
  remove(...siteIds: readonly number[]): void {
    this.version += 1;
    const gone = new Set(siteIds);
    this.routes = this.routes.filter((route) => !gone.has(route.siteId));
    this.#send({ type: "change", version: this.version, upserts: [], removed: [...siteIds] });
  }

  /** Ends every feed; the router comes back. */
  dropFeeds(): void {
    for (const follower of [...this.#followers]) follower(null);
  }

  async stop(): Promise<void> {
    this.dropFeeds();
    await this.#app.close();
  }

  #send(event: RouteFeedEvent): void {
    for (const follower of this.#followers) follower(event);
  }

  async *#feed(signal: AbortSignal): AsyncGenerator<string> {
    this.connections += 1;
    const queue: (RouteFeedEvent | null)[] = [];
    let wake = (): void => undefined;
    const follower = (event: RouteFeedEvent | null): void => {
      queue.push(event);
      wake();
    };
    signal.addEventListener("abort", () => follower(null));
    this.#followers.add(follower);
    try {
      yield formatEvent({ type: "snapshot", version: this.version, routes: this.routes, grant: this.grant, orchestrator: this.orchestrator });
      while (true) {
        const event = queue.shift();
        if (event === null) return;
        if (event !== undefined) yield formatEvent(event);
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      this.#followers.delete(follower);
    }
  }
}

/** What a fake orchestrator answers to a wake-up. */
export type WakeAnswer = { readonly address: SiteAddress; readonly instance: string };

/** The orchestrator as the router sees it. */
export class FakeOrchestrator {
  readonly #app: FastifyInstance;
  readonly wakes: number[] = [];
  readonly sleeps: { readonly siteId: number; readonly instance: string | undefined }[] = [];
  readonly freezes: { readonly siteId: number; readonly instance: string; readonly sleepAfterSeconds: number }[] = [];
  /** Each list of where the router said that it sends visitors. */
  readonly claims: [siteId: number, instance: string][][] = [];
  /** What the router added to sites' logs. */
  readonly reports: (readonly [siteId: number, line: string])[] = [];
  /** Decides what waking a site does; may throw a `Failure`. */
  onWake: (siteId: number) => Promise<WakeAnswer> | WakeAnswer = () => {
    throw new Failure("run_file_missing");
  };
  onSleep: (siteId: number) => Promise<void> | void = () => undefined;
  onFreeze: (siteId: number) => Promise<RestOutcome> | RestOutcome = () => "rests";
  /** Decides which of them the router has lost. */
  onClaim: (instances: readonly [siteId: number, instance: string][]) => [number, string][] = () => [];
  url = "";

  private constructor(app: FastifyInstance) {
    this.#app = app;
  }

  static async start(managerPublicKey: JWK): Promise<FakeOrchestrator> {
    const app = createServer({ log: silentLog() });
    const orchestrator = new FakeOrchestrator(app);
    const guard = componentGuard({ audience: "orchestrator", verify: await createVerifier(managerPublicKey) });
    mount({ app, guard }, wakeSite, async ({ params }) => {
      orchestrator.wakes.push(params.siteId);
      return { bootMs: 1, ...(await orchestrator.onWake(params.siteId)) };
    });
    mount({ app, guard }, sleepSite, async ({ params, body }) => {
      orchestrator.sleeps.push({ siteId: params.siteId, instance: body.instance });
      await orchestrator.onSleep(params.siteId);
      return { status: { state: "asleep" as const, reason: null, since: new Date().toISOString() } };
    });
    mount({ app, guard }, freezeSite, async ({ params, body }) => {
      orchestrator.freezes.push({ siteId: params.siteId, instance: body.instance, sleepAfterSeconds: body.sleepAfterSeconds });
      return { outcome: await orchestrator.onFreeze(params.siteId), status: { state: "frozen" as const, reason: null, since: new Date().toISOString() } };
    });
    mount({ app, guard }, claimInstances, async ({ body }) => {
      orchestrator.claims.push(body.instances);
      return { lost: orchestrator.onClaim(body.instances) };
    });
    mount({ app, guard }, reportToLog, async ({ params, body }) => {
      for (const line of body.lines) orchestrator.reports.push([params.siteId, line]);
      return undefined;
    });
    orchestrator.url = await app.listen({ host: "127.0.0.1", port: 0 });
    return orchestrator;
  }

  async stop(): Promise<void> {
    await this.#app.close();
  }
}

/** A router with everything around it. */
export interface RouterHarness extends AsyncDisposable {
  readonly manager: FakeManager;
  readonly orchestrator: FakeOrchestrator;
  readonly data: string;
  /** Where visitors come in: `http://127.0.0.1:PORT`. */
  readonly door: string;
  readonly adminDoor: string;
  /** Calls the router's internal API as the worker does. */
  readonly admin: ComponentClient;
  readonly managerSigner: GrantSigner;
  /** Ends the router, in order unless told otherwise, and starts it again on the same data. */
  restart(end?: (service: RunningService) => Promise<void>): Promise<void>;
  /** Resolves when the router has taken in what the manager told it. */
  settled(): Promise<void>;
}

/** How a router is started for a test. */
export interface StartRouterOptions {
  /** The manager's routes; the start waits until the router has them. */
  readonly routes?: readonly SiteRoute[];
  /** Adds to what the router needs. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Starts it elsewhere than in this process. */
  readonly launch?: (environment: Readonly<Record<string, string>>) => Promise<RunningService>;
}

/** Starts a router with everything around it. */
export async function startRouter(options: StartRouterOptions = {}): Promise<RouterHarness> {
  const data = await mkdtemp(path.join(tmpdir(), "backlot-router-"));
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const managerPublicKey = publicKey.export({ format: "jwk" }) as JWK;
  const managerSigner = await createSigner(privateKey.export({ format: "jwk" }) as JWK);
  const secret = new Uint8Array(randomBytes(32));
  const keyFile = path.join(data, "router.key");
  await writeFile(keyFile, JSON.stringify({ component: "router", secret: Buffer.from(secret).toString("base64url"), managerPublicKey }));
  const manager = await FakeManager.start(secret);
  const orchestrator = await FakeOrchestrator.start(managerPublicKey);
  manager.routes = [...(options.routes ?? [])];
  manager.orchestrator = orchestrator.url;
  manager.grant = await managerSigner.sign({ aud: "orchestrator", sub: "router", site: "*", verbs: ["site.wake", "site.sleep", "site.report"] }, 3600);
  const environment = {
    BACKLOT_DATA: data,
    BACKLOT_ROUTER_PORT: "0",
    BACKLOT_MANAGER_URL: manager.url,
    BACKLOT_COMPONENT_KEY_FILE: keyFile,
    BACKLOT_ROUTER_SWEEP_MS: "20",
    ...options.environment,
  };
  const launch = (): Promise<RunningService> => options.launch?.(environment) ?? start(environment, silentLog());
  let running = await launch();
  const doorOf = (name: string): string => running.doors[name] ?? "";
  const adminOf = (): ComponentClient => createComponentClient({ baseUrl: doorOf("routerAdmin"), audience: "router", caller: "worker", signer: managerSigner });
  const harness: RouterHarness = {
    manager,
    orchestrator,
    data,
    get door() {
      return doorOf("router");
    },
    get adminDoor() {
      return doorOf("routerAdmin");
    },
    get admin() {
      return adminOf();
    },
    managerSigner,
    restart: async (end = (service) => service.stop()) => {
      await end(running);
      running = await launch();
    },
    settled: async () => {
      const { awaitRoutes } = await import("#contract/internal/router.ts");
      const { version } = await adminOf().call(awaitRoutes, { body: { version: manager.version } });
      if (version < manager.version) throw new Error("the router did not take the routes in");
    },
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      await manager.stop();
      await orchestrator.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
  if (options.routes !== undefined) await harness.settled();
  return harness;
}

/** Puts a file into a site's folder, with its parents. */
export async function putFile(harness: { readonly data: string }, siteId: number, file: string, content: string | Uint8Array): Promise<string> {
  const target = path.join(harness.data, "sites", siteFolder(siteId), file);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, content);
  return target;
}

/** An answer with its whole body. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** What a visitor asks. The path goes out exactly as it stands here. */
export interface Ask {
  readonly host: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

/** Visits a site through the router, on a connection of its own. */
export async function visit(door: string, ask: Ask): Promise<Reply> {
  const { hostname, port } = new URL(door);
  const request = httpRequest({
    hostname,
    port,
    path: ask.path ?? "/",
    method: ask.method ?? "GET",
    headers: { host: ask.host, ...ask.headers } as Record<string, string>,
    agent: false,
  });
  request.end(ask.body);
  const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return { status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() };
}
