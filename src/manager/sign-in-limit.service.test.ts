import { afterAll, beforeAll, expect, test } from "vitest";
import { adminPassword, type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;

beforeAll(async () => {
  // Each test has addresses of its own.
  bench = await startManagerBench({ BACKLOT_TRUST_PROXY: "true" });
});
afterAll(() => bench[Symbol.asyncDispose]());

interface Visitor {
  readonly address: string;
  readonly cookie?: string;
}

function signIn(username: string, password: string, { address, cookie }: Visitor): Promise<Response> {
  const headers = { "x-forwarded-for": address, ...(cookie === undefined ? {} : { cookie }) };
  return bench.request("/api/v1/session", { method: "POST", json: { username, password }, headers });
}

function basic(username: string, password: string, address: string): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  return fetch(`${bench.url}/task/`, { headers: { authorization, "x-forwarded-for": address } });
}

const deviceOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .find((line) => line.startsWith("backlot_device="))
    ?.split(";")[0] ?? "";

async function timed(act: () => Promise<Response>): Promise<{ readonly status: number; readonly ms: number }> {
  const begun = performance.now();
  const { status } = await act();
  return { status, ms: performance.now() - begun };
}

/** Somebody who never stops guessing at the administrator's password. */
function attack(address: string): AsyncDisposable & { readonly guesses: Promise<unknown>[]; readonly isSlow: Promise<void> } {
  let isOn = true;
  const guesses: Promise<unknown>[] = [];
  let slow: () => void = () => undefined;
  const isSlow = new Promise<void>((resolve) => {
    slow = resolve;
  });
  const attacking = (async () => {
    for (let number = 0; isOn; number += 1) {
      const guess = signIn("admin", `guess ${number}`, { address });
      guesses.push(guess);
      if (number === 5) slow();
      await (await guess).body?.cancel();
    }
  })();
  return {
    guesses,
    isSlow,
    [Symbol.asyncDispose]: async () => {
      isOn = false;
      await attacking;
    },
  };
}

test("an administrator whose browser is known gets in at once while somebody behind the same address keeps guessing", async () => {
  const address = "198.51.100.1";
  await bench.request("/api/v1/users", { method: "POST", as: "admin", json: { username: "neighbour", password: "a password" } });
  const cookie = deviceOf(await signIn("admin", adminPassword, { address }));
  await using attacker = attack(address);
  await attacker.isSlow;
  const extraMs: number[] = [];
  for (let time = 0; time < 3; time += 1) {
    // Beside somebody whom nobody attacks: how long that takes is the machine's affair.
    const [known, other] = await Promise.all([
      timed(() => signIn("admin", adminPassword, { address, cookie })),
      timed(() => signIn("neighbour", "a password", { address: "198.51.100.7" })),
    ]);
    expect([known.status, other.status]).toEqual([201, 201]);
    extraMs.push(known.ms - other.ms);
    // The guesser is let guess again after a success; they are to be held back at each round.
    const { length } = attacker.guesses;
    await expect.poll(() => attacker.guesses.length, { timeout: 30_000 }).toBeGreaterThan(length);
  }
  // Whoever is held back is so for a whole second at least.
  expect(Math.min(...extraMs)).toBeLessThan(900);
});

test("and one without the cookie gets in within seconds, by the dashboard and by HTTP Basic", async () => {
  const address = "198.51.100.2";
  expect((await signIn("admin", adminPassword, { address })).status).toBe(201);
  await using attacker = attack(address);
  await attacker.isSlow;
  const begun = performance.now();
  const responses = await Promise.all([signIn("admin", adminPassword, { address }), basic("admin", adminPassword, address)]);
  expect(responses.map(({ status }) => status)).toEqual([201, 200]);
  // A stranger would have been refused by now, and waits longer with every guess.
  expect(performance.now() - begun).toBeLessThan(20_000);
});

test("of many guesses at once few are held back, and the others are refused", async () => {
  const address = "198.51.100.3";
  await signIn("admin", adminPassword, { address });
  for (let number = 0; number < 5; number += 1) await signIn("admin", "wrong", { address });
  const responses = await Promise.all(Array.from({ length: 20 }, () => signIn("admin", "wrong", { address })));
  const statuses = responses.map(({ status }) => status);
  expect(statuses.filter((status) => status === 401)).toHaveLength(8);
  expect(statuses.filter((status) => status === 429)).toHaveLength(12);
});

test("failures with a known browser count for that browser, and over the limit it is treated as any other", async () => {
  const address = "198.51.100.4";
  const cookie = deviceOf(await signIn("admin", adminPassword, { address }));
  for (let number = 0; number < 5; number += 1) expect((await signIn("admin", "wrong", { address, cookie })).status).toBe(401);
  // From elsewhere the browser would have waited; here the address is familiar.
  expect((await signIn("admin", adminPassword, { address, cookie })).status).toBe(201);
  for (let number = 0; number < 10; number += 1) await signIn("admin", "wrong", { address: "198.51.100.5", cookie });
  expect((await signIn("admin", "wrong", { address: "198.51.100.5", cookie })).status).toBe(429);
});

test("fifty typos of a classroom let a new pupil in five seconds after the last one", async () => {
  const address = "198.51.100.6";
  await bench.request("/api/v1/users", { method: "POST", as: "admin", json: { username: "pupil", password: "a password" } });
  await Promise.all(Array.from({ length: 50 }, (_, number) => signIn(`typo-${number}`, "wrong", { address })));
  const refused = await signIn("pupil", "a password", { address });
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(5);
  await expect.poll(async () => (await signIn("pupil", "a password", { address })).status, { timeout: 20_000, interval: 250 }).toBe(201);
});

test("every sign-in is in the audit trail with its door and address, a refused one too, and who signs out", async () => {
  const [web, api] = ["192.0.2.71", "192.0.2.72"];
  const created = await signIn("admin", adminPassword, { address: web });
  const cookie = created.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ");
  expect((await signIn("admin", "wrong", { address: web })).status).toBe(401);
  // Remembered, the second of them is no sign-in.
  for (const password of [adminPassword, adminPassword, "wrong"]) await (await basic("admin", password, api)).body?.cancel();
  await bench.request("/api/v1/session", { method: "DELETE", headers: { "x-forwarded-for": web, cookie, origin: bench.url } });
  const { entries } = (await (await bench.request("/api/v1/audit?limit=50", { as: "admin" })).json()) as { entries: Record<string, unknown>[] };
  const about = entries.filter(({ address }) => address === web || address === api).map(({ action, door, actor, address }) => [action, door, actor, address]);
  expect(about.reverse()).toEqual([
    ["session.create", "web", "admin", web],
    ["session.failed", "web", "admin", web],
    ["session.create", "api", "admin", api],
    ["session.failed", "api", "admin", api],
    ["session.delete", "web", "admin", web],
  ]);
});
