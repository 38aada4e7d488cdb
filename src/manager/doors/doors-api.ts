import type { FastifyInstance } from "fastify";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import { announceSsh, type DoorChange, followDoors, openDoor, openDoorByKey, renewDoor } from "#contract/internal/doors.ts";
import type { SettingStore } from "#core/accounts/setting-store.ts";
import { type ClusterKey, componentSecret } from "#kit/cluster-key.ts";
import type { EpochBump } from "#kit/epochs.ts";
import { createVerifier } from "#kit/grant.ts";
import { Hints } from "#kit/hints.ts";
import { componentGuard } from "#kit/http/component-guard.ts";
import { eventStream } from "#kit/http/event-stream.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import type { AccessWatch } from "../access-watch.ts";
import { rememberSsh } from "./announced-ssh.ts";
import type { DoorSessions } from "./door-sessions.ts";

/** What the doors' endpoints need. */
export interface DoorsDeps {
  readonly guard: Guard<GrantClaims>;
  readonly sessions: DoorSessions;
  readonly access: AccessWatch;
  readonly settings: SettingStore;
}

const heartbeatMs = 10_000;

/** Serves sign-in, renewal and changes of access to the doors beside the dashboard. */
export function mountDoors(app: FastifyInstance, deps: DoorsDeps): void {
  const { guard, sessions } = deps;
  mount({ app, guard }, openDoor, async ({ body, caller }) => {
    if ((body.door === "ftp") !== (caller.sub === "ftp")) throw new Failure("grant_refused");
    return sessions.open(body);
  });
  mount({ app, guard }, openDoorByKey, async ({ body, caller }) => {
    if (caller.sub !== "shell") throw new Failure("grant_refused");
    const { account, address } = body;
    return sessions.openByKey({ account, address, key: bytesOf(body.key), signed: bytesOf(body.signed), signature: bytesOf(body.signature) });
  });
  mount({ app, guard }, announceSsh, async ({ body }) => {
    await rememberSsh(deps.settings, body);
    return undefined;
  });
  mount({ app, guard }, renewDoor, async ({ body }) => sessions.renew(body.session, body.grantsFor));
  mount({ app, guard }, followDoors, async ({ signal }) => eventStream(changes(deps.access, signal), signal));
}

/** Accepts each door by the secret that is its own. */
export async function doorGuard(key: ClusterKey): Promise<Guard<GrantClaims>> {
  const verifiers = await Promise.all((["ftp", "shell"] as const).map(async (door) => ({ door, verify: await createVerifier(componentSecret(key, door)) })));
  return componentGuard({
    audience: "manager",
    verify: async (token) => {
      for (const { door, verify } of verifiers) {
        const claims = await verify(token).catch(() => undefined);
        if (claims?.sub === door) return claims;
      }
      throw new Failure("grant_refused");
    },
  });
}

async function* changes(access: AccessWatch, signal: AbortSignal): AsyncGenerator<DoorChange> {
  const news = new Hints();
  let sites = new Set<number>();
  let users = new Set<number>();
  const stop = access.follow((bump: EpochBump) => {
    for (const [id] of bump.sites) sites.add(id);
    for (const [id] of bump.users) users.add(id);
    news.notify("change");
  });
  try {
    yield { type: "open" };
    while (!signal.aborted) {
      if (sites.size + users.size === 0) await news.wait("change", { maxMs: heartbeatMs, signal });
      if (sites.size + users.size === 0) {
        yield { type: "heartbeat" };
        continue;
      }
      const change: DoorChange = { type: "change", sites: [...sites], users: [...users] };
      sites = new Set();
      users = new Set();
      yield change;
    }
  } finally {
    stop();
  }
}

function bytesOf(base64: string): Buffer {
  return Buffer.from(base64, "base64");
}
