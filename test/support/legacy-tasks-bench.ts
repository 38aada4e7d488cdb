import type { FastifyInstance, InjectOptions } from "fastify";
import { Failure } from "#contract/failure.ts";
import type { ScriptManual, ScriptView } from "#contract/task.ts";
import type { AttemptCounts } from "#core/accounts/attempt-store.ts";
import type { User } from "#core/accounts/user.ts";
import type { AuditEntry } from "#core/audit/audit-store.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { BasicSignIn } from "#manager/legacy-tasks/basic-sign-in.ts";
import { type LegacyTasksDeps, mountLegacyTasks } from "#manager/legacy-tasks/legacy-tasks-api.ts";
import { user } from "./builders.ts";
import { FakeLegacyTaskStore } from "./fake-legacy-task-store.ts";

/** The header of HTTP Basic. */
export function basicOf(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** The administrator of the bench. */
export const root = basicOf("root", "correct horse: battery");

/** The original's task API over stores in memory. */
export class LegacyTasksBench {
  now = new Date("2018-12-23T21:26:14.356Z");
  readonly people = new Map([
    ["root", { user: user({ id: 1, username: "root", role: "administrator" }), password: "correct horse: battery" }],
    ["ada", { user: user({ id: 2, username: "ada" }), password: "secret" }],
  ]);
  /** How often a password was looked at. */
  verified = 0;
  readonly tasks = new FakeLegacyTaskStore(() => this.now);
  readonly audit: AuditEntry[] = [];
  /** What the audit trail says of sign-ins. */
  readonly signIns: string[] = [];
  readonly manuals: Record<string, ScriptManual> = {};
  #failures = 0;
  #app: FastifyInstance | undefined;

  get app(): FastifyInstance {
    if (this.#app === undefined) throw new Error("nothing is served yet");
    return this.#app;
  }

  async serve(changes: Partial<LegacyTasksDeps> = {}): Promise<this> {
    await this.#app?.close();
    this.#app = createServer({ log: silentLog() });
    await mountLegacyTasks(this.#app, { ...this.#deps(), ...changes });
    return this;
  }

  ask(method: string, url: string, more: Omit<InjectOptions, "method" | "url"> = {}) {
    return this.app.inject({ method: method as "GET", url, ...more, headers: { authorization: root, ...more.headers } });
  }

  get(url: string) {
    return this.ask("GET", url);
  }

  send(body: string | object, headers: Readonly<Record<string, string>> = {}) {
    return this.ask("POST", "/task/create", { payload: typeof body === "string" ? body : JSON.stringify(body), headers });
  }

  setPerson(changes: Partial<User>, password: string): void {
    this.people.set("root", { user: user({ id: 1, username: "root", role: "administrator", ...changes }), password });
  }

  #deps(): LegacyTasksDeps {
    return {
      tasks: this.tasks,
      audit: {
        record: async (entry) => void this.audit.push(entry),
        list: async () => ({ items: [], next: null }),
        listFor: async () => ({ items: [], next: null }),
      },
      scripts: {
        find: async (_site, path) => {
          const manual = this.manuals[path];
          // Nothing else of it is looked at.
          return manual === undefined ? null : ({ manual } as ScriptView);
        },
      },
      allowsCommands: false,
      maxWaiting: 10,
      now: () => this.now,
      basic: new BasicSignIn(this.#signInDeps()),
      isOpen: false,
      person: async (shape, request) => {
        const { authorization } = request.headers;
        if (authorization === "Bearer reads only") throw new Failure("scope_too_small", { scope: "scope" in shape.access ? shape.access.scope : "" });
        if (authorization !== "Bearer good") throw new Failure("not_signed_in");
        const tess = user({ id: 3, username: "tess", role: "administrator" });
        return { actor: { user: tess, scopes: ["tasks"], door: "api", address: request.ip }, sessionId: null };
      },
    };
  }

  #signInDeps(): ConstructorParameters<typeof BasicSignIn>[0] {
    const never = async (): Promise<never> => {
      throw new Error("not needed here");
    };
    return {
      audit: {
        record: async ({ action, actorName }) => void this.signIns.push(`${action} ${actorName}`),
        list: never,
        listFor: never,
      },
      note: async ({ user: { username } }, action) => void this.signIns.push(`${action} ${username}`),
      users: {
        byUsername: async (username) => this.people.get(username)?.user ?? null,
        byNumber: never,
        withPasswordHash: async (username) => {
          const found = this.people.get(username);
          return found === undefined ? null : { user: found.user, passwordHash: `hash of ${found.password}` };
        },
        ...{ create: never, list: never, update: never, hasAdministrator: never },
      },
      attempts: {
        count: async () => this.#counts(),
        noteTry: async (_who, { judge }) => {
          const counts = this.#counts();
          const waitSeconds = judge(counts);
          if (waitSeconds === 0) this.#failures += 1;
          return { counts, waitSeconds };
        },
        recordFailure: async () => {
          this.#failures += 1;
        },
        recordSuccess: async () => {
          this.#failures = 0;
        },
        deleteOlderThan: never,
      },
      hasher: {
        hash: async (password) => `hash of ${password}`,
        verify: async (stored, password) => {
          this.verified += 1;
          return stored === `hash of ${password}`;
        },
      },
      now: () => this.now,
      decoyHash: "nobody's",
    };
  }
  #counts(): AttemptCounts {
    const failures = { pair: this.#failures, address: this.#failures, account: this.#failures };
    return { ...failures, isFamiliar: false, lastAt: { pair: this.now, address: this.now, account: this.now } };
  }
}
