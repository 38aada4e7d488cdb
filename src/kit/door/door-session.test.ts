import { afterEach, expect, it, vi } from "vitest";
import type { Client } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import type { DoorView } from "#contract/internal/doors.ts";
import { silentLog } from "#kit/log.ts";
import { letPass, setClock } from "../../../test/support/set-clock.ts";
import { DoorSession } from "./door-session.ts";
import { SessionWatch } from "./session-watch.ts";

const hourMs = 3_600_000;
const view: DoorView = {
  session: "sealed",
  user: { id: 3, username: "ann", epoch: 1 },
  usesToken: true,
  places: [{ siteId: 1, name: "one", canWrite: true, epoch: 1 }],
  root: null,
  grants: [],
};

afterEach(() => vi.restoreAllMocks());

/** A manager that is asked to renew sessions; nothing is heard of changes. */
function managerOf(renew: () => Promise<DoorView>): Client {
  const manager: Pick<Client, "call" | "fetch"> = {
    call: renew as unknown as Client["call"],
    fetch: async () => {
      throw new Failure("component_away", { component: "manager" });
    },
  };
  return manager;
}

it("a session whose API token was deleted ends soon, also when the machine's clock is set back", async () => {
  let isDeleted = false;
  const manager = managerOf(async () => {
    if (isDeleted) throw new Failure("not_signed_in");
    return view;
  });
  const session = new DoorSession(manager, view);
  await session.renew();
  const watch = new SessionWatch(manager, silentLog());
  watch.add(session);
  setClock(-hourMs);
  isDeleted = true;
  watch.start();
  try {
    await expect.poll(() => session.signal.aborted, { timeout: 20_000 }).toBe(true);
  } finally {
    await watch.stop();
  }
});

it("a grant is asked for again when its time is over, also when the machine's clock is set back, and not before when it is set forward", async () => {
  let renewals = 0;
  const manager = managerOf(async () => {
    renewals += 1;
    return { ...view, grants: [[1, `grant ${renewals}`]] };
  });
  const session = new DoorSession(manager, view);
  expect(await session.grant(1)).toBe("grant 1");
  setClock(hourMs);
  expect(await session.grant(1)).toBe("grant 1");
  setClock(-hourMs);
  letPass(31_000);
  expect(await session.grant(1)).toBe("grant 2");
});
