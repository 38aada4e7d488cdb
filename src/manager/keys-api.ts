import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import * as api from "#contract/api/keys.ts";
import { Failure } from "#contract/failure.ts";
import { addKey } from "#core/accounts/add-key.ts";
import type { KeyStore, SshKey } from "#core/accounts/key-store.ts";
import type { SettingStore } from "#core/accounts/setting-store.ts";
import { mount } from "#kit/http/mount.ts";
import type { Note } from "./audit-trail.ts";
import { recallSsh } from "./doors/announced-ssh.ts";
import type { personGuards } from "./person-guard.ts";

/** What the endpoints of SSH keys need. */
export interface KeysDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly keys: KeyStore;
  readonly settings: SettingStore;
  readonly note: Note;
  /** The dashboard as people type it, if that was set. */
  readonly publicUrl: string | undefined;
}

/** Serves people's public keys, and where the SSH door is. */
export function mountKeys(app: FastifyInstance, deps: KeysDeps): void {
  const at = { app, guard: deps.guards.person };
  const { keys, note } = deps;
  mount(at, api.createKey, async ({ body, caller: { actor } }) => {
    const key = await addKey({ keys, newId: randomUUID }, { user: actor.user, title: body.title, text: body.key });
    await note(actor, "keys.create", { details: { title: key.title, fingerprint: key.fingerprint } });
    return { key: keyViewOf(key) };
  });
  mount(at, api.listKeys, async ({ caller: { actor } }) => ({ keys: (await keys.list(actor.user.id)).map(keyViewOf) }));
  mount(at, api.deleteKey, async ({ params, caller: { actor } }) => {
    if (!(await keys.delete(actor.user, params.id))) throw new Failure("key_not_found");
    await note(actor, "keys.delete", { details: { id: params.id } });
    return undefined;
  });
  mount(at, api.readSshDoor, async ({ request }) => {
    const door = await recallSsh(deps.settings);
    if (door === null) return { ssh: null };
    // Whoever asks reaches this machine by that name already.
    const host = door.host ?? (deps.publicUrl === undefined ? request.hostname : new URL(deps.publicUrl).hostname);
    return { ssh: { host: host.replace(/^\[|\]$/g, ""), port: door.port, keys: [...door.keys] } };
  });
}

function keyViewOf(key: SshKey) {
  return { ...key, createdAt: key.createdAt.toISOString(), lastUsedAt: key.lastUsedAt?.toISOString() ?? null };
}
