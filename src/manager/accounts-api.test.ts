import { expect, test } from "vitest";
import type { UserChanges } from "#core/accounts/user-store.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { actor, user } from "../../test/support/builders.ts";
import { type AccountsDeps, mountAccounts } from "./accounts-api.ts";

/** The endpoints of accounts before one person, ada, whose password is "a password"; `isCurrent`: nothing of hers has changed since it was looked at. */
function serve({ isCurrent }: { readonly isCurrent: boolean }) {
  const ada = user({ epoch: 7 });
  const state = { sessions: [] as unknown[], tokens: [] as unknown[], changes: [] as UserChanges[], noted: [] as string[] };
  const deps = {
    guards: { anyone: async () => undefined, person: async () => ({ actor: { ...actor(), user: ada }, sessionId: "here" }) },
    users: {
      withPasswordHash: async () => ({ user: ada, passwordHash: "hash of a password" }),
      update: async (_id: number, changes: UserChanges) => {
        state.changes.push(changes);
        return ada;
      },
    },
    hasher: { hash: async (text: string) => `hash of ${text}`, verify: async (hash: string, text: string) => hash === `hash of ${text}` },
    attempts: { noteTry: async () => ({ waitSeconds: 0 }), recordSuccess: async () => undefined },
    sessions: {
      create: async ({ user: { id, epoch } }: { readonly user: { readonly id: number; readonly epoch: number } }) => {
        state.sessions.push({ id, epoch });
        return isCurrent;
      },
    },
    tokens: {
      create: async (input: Parameters<AccountsDeps["tokens"]["create"]>[0]) => {
        state.tokens.push({ id: input.user.id, epoch: input.user.epoch });
        return isCurrent ? { ...input, createdAt: new Date(), lastUsedAt: null } : null;
      },
    },
    audit: { record: async ({ action }: { readonly action: string }) => void state.noted.push(action) },
    devices: { find: () => undefined, remember: () => "device=x" },
    note: async (_actor: unknown, action: string) => void state.noted.push(action),
    isSecure: false,
  };
  const app = createServer({ log: silentLog() });
  // Nothing else of them is asked for.
  mountAccounts(app, deps as unknown as AccountsDeps);
  const ask = async (method: "POST" | "PUT", url: string, payload: object) => {
    const response = await app.inject({ method, url: `/api/v1/${url}`, payload });
    const body = response.body === "" ? {} : (response.json() as { readonly code?: string });
    return { status: response.statusCode, code: body.code, cookies: response.headers["set-cookie"] };
  };
  return { state, ask };
}

const credentials = { username: "ada", password: "a password" };

test("signing in opens a session for the person as they were when their password was looked at", async () => {
  const { state, ask } = serve({ isCurrent: true });
  expect(await ask("POST", "session", credentials)).toMatchObject({ status: 201, cookies: [expect.stringContaining("backlot_session="), "device=x"] });
  expect(state).toMatchObject({ sessions: [{ id: 1, epoch: 7 }], noted: ["session.create"] });
});

test("signing in with a password that is changed meanwhile is signing in with a wrong one", async () => {
  const { state, ask } = serve({ isCurrent: false });
  expect(await ask("POST", "session", credentials)).toEqual({ status: 401, code: "credentials_wrong", cookies: undefined });
  expect(state).toMatchObject({ sessions: [{ id: 1, epoch: 7 }], noted: ["session.failed"] });
});

test("an API token that is asked for with a session that ends meanwhile is not made", async () => {
  const { state, ask } = serve({ isCurrent: false });
  expect(await ask("POST", "tokens", { name: "mine" })).toMatchObject({ status: 401, code: "not_signed_in" });
  expect(state).toMatchObject({ tokens: [{ id: 1, epoch: 7 }], noted: [] });
});

test("a new password is set only over the one that was found right", async () => {
  const { state, ask } = serve({ isCurrent: true });
  expect((await ask("PUT", "session/password", { currentPassword: "a password", newPassword: "another password" })).status).toBe(204);
  expect(state.changes).toEqual([{ passwordHash: "hash of another password", keepSession: "here", epoch: 7 }]);
});
