// Many tries at once: none of them may be looked at before it is counted.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, createClient } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { openDoor } from "#contract/internal/doors.ts";
import { componentSecret } from "#kit/cluster-key.ts";
import { createSigner } from "#kit/grant.ts";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;
const doors = new Map<string, Client>();

beforeAll(async () => {
  bench = await startManagerBench({ BACKLOT_TRUST_PROXY: "true" });
  for (const component of ["ftp", "shell"] as const) {
    const signer = await createSigner(componentSecret(bench.key, component));
    doors.set(component, createClient({ baseUrl: bench.url, token: () => signer.sign({ aud: "manager", sub: component, site: "*", verbs: ["door.open"] }) }));
  }
  for (const username of Object.keys(ways)) await addPerson(username);
});
afterAll(() => bench[Symbol.asyncDispose]());

const addPerson = (username: string) => bench.request("/api/v1/users", { method: "POST", as: "admin", json: { username, password: "a password" } });

interface Try {
  readonly username: string;
  readonly password: string;
  readonly address: string;
  readonly cookie?: string;
}

function byDashboard({ username, password, address, cookie }: Try): Promise<Response> {
  const headers = { "x-forwarded-for": address, ...(cookie === undefined ? {} : { cookie }) };
  return bench.request("/api/v1/session", { method: "POST", json: { username, password }, headers });
}

const byHeader = ({ username, password, address }: Try): Promise<Response> =>
  fetch(`${bench.url}/task/`, { headers: { authorization: `Basic ${btoa(`${username}:${password}`)}`, "x-forwarded-for": address } });

const byDoor = (component: "ftp" | "shell", door: "ftp" | "ssh", prefix = "") => {
  return async ({ username, password, address }: Try): Promise<{ readonly status: number }> => {
    const body = { username, password: `${prefix}${password}`, site: null, door, address };
    return (doors.get(component) as Client).call(openDoor, { body }).then(
      () => ({ status: 200 }),
      (error: unknown) => ({ status: error instanceof Failure ? error.status : 0 }),
    );
  };
};

/** A machine so slow that the wait has ended before the last one was asked lets a few more pass. */
function expectLookedAt(statuses: readonly number[], most: number): void {
  const lookedAt = statuses.filter((status) => status === 401).length;
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
  expect(lookedAt).toBeLessThanOrEqual(most + 3);
}

/** Each with a person of its own. */
const ways: Readonly<Record<string, (tried: Try) => Promise<{ readonly status: number }>>> = {
  dashboard: byDashboard,
  basic: byHeader,
  ftp: byDoor("ftp", "ftp"),
  ssh: byDoor("shell", "ssh"),
  token: byDoor("ftp", "ftp", "blt_"),
};

test.each(Object.entries(ways))(
  "of a hundred wrong passwords at once from a new address, by %s, no more are looked at than one after the other",
  async (username, way) => {
    const address = `203.0.113.${10 + Object.keys(ways).indexOf(username)}`;
    const answers = await Promise.all(Array.from({ length: 100 }, (_, number) => way({ username, password: `guess ${number}`, address })));
    const statuses = answers.map(({ status }) => status);
    expectLookedAt(statuses, 5);
  },
);

test("of a hundred accounts that are tried at once from one address fifty are looked at", async () => {
  const tries = Array.from({ length: 100 }, (_, number) => byDashboard({ username: `spray-${number}`, password: "wrong", address: "203.0.113.30" }));
  const statuses = (await Promise.all(tries)).map(({ status }) => status);
  expectLookedAt(statuses, 50);
});

test("many connections at once with the right password all get in, from a new address too, after a typo or four", async () => {
  await addPerson("mirror");
  const right = { username: "mirror", password: "a password", address: "203.0.113.40" };
  for (let typo = 0; typo < 4; typo += 1) expect((await byDashboard({ ...right, password: "a pasword" })).status).toBe(401);
  const answers = await Promise.all(Array.from({ length: 30 }, () => (ways.ftp ?? byDashboard)(right)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

test("a burst keeps no known browser out, also behind the same address", async () => {
  await addPerson("owner");
  const right = { username: "owner", password: "a password", address: "203.0.113.50" };
  const cookie = (await byDashboard(right)).headers
    .getSetCookie()
    .find((line) => line.startsWith("backlot_device="))
    ?.split(";")[0];
  const burst = Array.from({ length: 200 }, (_, number) => byDashboard({ ...right, password: `guess ${number}` }));
  expect((await byDashboard({ ...right, cookie: cookie ?? "" })).status).toBe(201);
  const statuses = (await Promise.all(burst)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
});
