// How people sign in at the FTP door: by whom they are known, what they see, what they are granted, and when it ends.
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, createClient } from "#contract/client.ts";
import { readEvents } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import { type DoorChange, type DoorView, followDoors, openDoor, renewDoor } from "#contract/internal/doors.ts";
import { componentSecret } from "#kit/cluster-key.ts";
import { createSigner } from "#kit/grant.ts";
import { adminPassword, type ManagerBench, startManagerBench } from "../../../test/support/manager-bench.ts";

let bench: ManagerBench;
let door: Client;
/** Each test signs in from an address of its own: failures of others do not count there. */
let number = 0;

beforeAll(async () => {
  bench = await startManagerBench({ BACKLOT_FTP_DEMO_ACCOUNT: "demo:of the original" });
  door = await clientOf("ftp");
  for (const name of ["ada", "bob"]) await bench.person(name);
  for (const name of ["ada-one", "ada-two"]) expect((await bench.request("/api/v1/sites", post("ada", { name, kind: "static" }))).status).toBe(201);
  expect((await bench.request("/api/v1/sites/ada-one/members/bob", { method: "PUT", as: "ada", json: { role: "viewer" } })).status).toBeLessThan(300);
});
afterAll(() => bench[Symbol.asyncDispose]());

const post = (as: string, json: unknown) => ({ method: "POST", as, json });

async function clientOf(component: "ftp" | "shell"): Promise<Client> {
  const signer = await createSigner(componentSecret(bench.key, component));
  return createClient({ baseUrl: bench.url, token: () => signer.sign({ aud: "manager", sub: component, site: "*", verbs: ["door.open"] }) });
}

interface Given {
  readonly site?: string;
  readonly address?: string;
  readonly door?: "ftp" | "ssh";
}

function signIn(username: string, password: string, { site, address = `198.51.100.${++number}`, door: kind = "ftp" }: Given = {}): Promise<DoorView> {
  return door.call(openDoor, { body: { username, password, site: site ?? null, door: kind, address } });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: unknown) => (error instanceof Failure ? error.code : String(error)),
  );
}

const renew = (view: DoorView, grantsFor: readonly number[] = []) => door.call(renewDoor, { body: { session: view.session, grantsFor: [...grantsFor] } });
const placesOf = (view: DoorView) => view.places.map(({ name, canWrite }) => [name, canWrite]);
const siteIdOf = (view: DoorView, name: string): number => view.places.find((place) => place.name === name)?.siteId ?? -1;

async function tokenOf(as: string, scopes: readonly string[]): Promise<{ readonly id: string; readonly secret: string }> {
  const made = await bench.request("/api/v1/tokens", post(as, { name: "for a door", scopes }));
  return (await made.json()) as { id: string; secret: string };
}

describe("who signs in at the FTP door", () => {
  test("by password sees each of their sites, and is granted exactly what their role allows", async () => {
    const [ada, bob] = [await signIn("ada", "a password"), await signIn(" Bob ", "a password")];
    expect([placesOf(ada).toSorted(), placesOf(bob)]).toEqual([
      [
        ["ada-one", true],
        ["ada-two", true],
      ],
      [["ada-one", false]],
    ]);
    expect([ada.root, ada.usesToken, ada.grants]).toEqual([null, false, []]);
    const siteId = siteIdOf(bob, "ada-one");
    for (const [view, verbs] of [
      [ada, ["site.files.read", "site.files.write"]],
      [bob, ["site.files.read"]],
    ] as const) {
      const [[granted, token] = [0, ""]] = (await renew(view, [siteId, siteIdOf(ada, "ada-two") + 1000])).grants;
      const { aud, sub, site, verbs: given, exp = 0, iat = 0 } = decodeJwt(token);
      expect({ granted, aud, sub, site, given }).toEqual({ granted: siteId, aud: "orchestrator", sub: "ftp", site: siteId, given: verbs });
      expect(exp - iat).toBeLessThanOrEqual(60);
    }
  });

  test("for one site sees that one alone; a site of others is not there, nor is the home folder", async () => {
    const view = await signIn("ada", "a password", { site: "ada-two" });
    expect([placesOf(view), view.root]).toEqual([[["ada-two", true]], siteIdOf(view, "ada-two")]);
    for (const site of ["ada-two", "none", "home", "../ada-one"])
      expect([site, await codeOf(signIn("bob", "a password", { site }))]).toEqual([site, "site_not_found"]);
  });

  test("administers sees the home folder of tasks beside their own sites", async () => {
    expect(placesOf(await signIn("admin", adminPassword))).toEqual([["home", true]]);
    expect(await signIn("admin", adminPassword, { site: "home" })).toMatchObject({ root: 0, places: [{ siteId: 0, name: "home" }] });
  });

  test("by API token needs the scope for files, a token of their own, and loses the session with the token", async () => {
    const [files, reading] = [await tokenOf("ada", ["files"]), await tokenOf("ada", ["read"])];
    expect(await codeOf(signIn("ada", reading.secret))).toBe("scope_too_small");
    expect(await codeOf(signIn("bob", files.secret))).toBe("credentials_wrong");
    expect(await codeOf(signIn("ada", `blt_${"x".repeat(43)}`))).toBe("credentials_wrong");
    const view = await signIn("ada", files.secret);
    expect([view.usesToken, placesOf(view).length]).toEqual([true, 2]);
    expect(await codeOf(renew(view))).toBe("done");
    expect((await bench.request(`/api/v1/tokens/${files.id}`, { method: "DELETE", as: "ada" })).status).toBe(204);
    expect(await codeOf(renew(view))).toBe("not_signed_in");
  });

  test("with a wrong password or token has to wait after a few tries, as at the dashboard; a right token cannot be guessed and gets in", async () => {
    await bench.person("guessed");
    const address = "198.51.100.250";
    const token = await tokenOf("guessed", ["files"]);
    const codes: string[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) codes.push(await codeOf(signIn("guessed", "wrong", { address })));
    expect(codes).toEqual([...Array.from({ length: 5 }, () => "credentials_wrong"), "too_many_attempts"]);
    expect(await codeOf(signIn("guessed", "blt_made-up", { address }))).toBe("too_many_attempts");
    expect(await codeOf(signIn("guessed", token.secret, { address }))).toBe("done");
  });

  test("is noted with address and door, whether it succeeds or not", async () => {
    await signIn("ada", "a password", { address: "203.0.113.9", site: "ada-one" });
    await codeOf(signIn("nobody", "wrong", { address: "203.0.113.9" }));
    const { entries } = (await (await bench.request("/api/v1/audit", { as: "admin" })).json()) as { entries: Record<string, unknown>[] };
    const here = entries.filter(({ address }) => address === "203.0.113.9").map(({ actor, action, door: at }) => [actor, action, at]);
    expect(here).toEqual(
      expect.arrayContaining([
        ["ada", "session.create", "ftp"],
        ["nobody", "session.failed", "ftp"],
      ]),
    );
  });
});

describe("the demo account", () => {
  test("is let in from this machine only, at the FTP door only, and sees the home folder alone", async () => {
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
      const view = await signIn("demo", "of the original", { address });
      expect([address, view.user, view.root, placesOf(view)]).toEqual([address, null, 0, [["home", true]]]);
      expect((await renew(view, [0, siteIdOf(await signIn("ada", "a password"), "ada-one")])).grants.map(([siteId]) => siteId)).toEqual([0]);
    }
    for (const address of ["198.51.100.1", "::ffff:198.51.100.1", "2001:db8::1", "1270.0.0.1", ""])
      expect([address, await codeOf(signIn("demo", "of the original", { address }))]).toEqual([address, "credentials_wrong"]);
    expect(await codeOf(signIn("demo", "wrong", { address: "127.0.0.1" }))).toBe("credentials_wrong");
    expect(await codeOf(signIn("demo", "of the original", { address: "127.0.0.1", site: "ada-one" }))).toBe("credentials_wrong");
    const shell = await clientOf("shell");
    const asSsh = { username: "demo", password: "of the original", site: null, door: "ssh" as const, address: "127.0.0.1" };
    expect(await codeOf(shell.call(openDoor, { body: asSsh }))).toBe("credentials_wrong");
  });
});

describe("a session", () => {
  test("ends with a new password, and with a member's removal its one site is gone; each is announced", async () => {
    await bench.person("eve");
    const add = { method: "PUT", as: "ada", json: { role: "editor" } } as const;
    expect((await bench.request("/api/v1/sites/ada-one/members/eve", add)).status).toBeLessThan(300);
    const [all, one] = [await signIn("eve", "a password"), await signIn("eve", "a password", { site: "ada-one" })];
    const siteId = siteIdOf(one, "ada-one");
    await using changes = await followed();
    await bench.request("/api/v1/sites/ada-one/members/eve", { method: "DELETE", as: "ada" });
    await changes.until(({ sites, users }) => sites.includes(siteId) || users.includes(one.user?.id ?? -1));
    expect([await codeOf(renew(one)), placesOf(await renew(all, [siteId]))]).toEqual(["site_not_found", []]);
    await bench.request("/api/v1/users/eve", { method: "PATCH", as: "admin", json: { password: "another password" } });
    await changes.until(({ users }) => users.includes(all.user?.id ?? -1));
    expect(await codeOf(renew(all))).toBe("not_signed_in");
  });

  test("loses a site that is disabled", async () => {
    const [all, one] = [await signIn("ada", "a password"), await signIn("ada", "a password", { site: "ada-two" })];
    await using changes = await followed();
    const patched = await bench.request("/api/v1/sites/ada-two", { method: "PATCH", as: "admin", json: { availability: "disabled", reason: "a test" } });
    expect(patched.status).toBeLessThan(300);
    await changes.until(({ sites }) => sites.includes(siteIdOf(one, "ada-two")));
    expect([await codeOf(renew(one)), placesOf(await renew(all))]).toEqual(["site_not_found", [["ada-one", true]]]);
    expect(await codeOf(signIn("ada", "a password", { site: "ada-two" }))).toMatch(/^site_(disabled|not_found)$/);
  });

  test("cannot be made up, nor used at a door that is not this one", async () => {
    const view = await signIn("ada", "a password");
    expect(await codeOf(door.call(renewDoor, { body: { session: `${view.session.slice(0, -2)}xx`, grantsFor: [] } }))).toBe("not_signed_in");
    expect(await codeOf(signIn("ada", "a password", { door: "ssh" }))).toBe("grant_refused");
    const stranger = createClient({ baseUrl: bench.url, token: () => "eyJhbGciOiJub25lIn0.e30." });
    expect(await codeOf(stranger.call(renewDoor, { body: { session: view.session, grantsFor: [] } }))).toMatch(/^(grant_refused|not_signed_in)$/);
  });
});

type Change = Extract<DoorChange, { type: "change" }>;

async function followed(): Promise<AsyncDisposable & { until(fits: (change: Change) => boolean): Promise<void> }> {
  const abort = new AbortController();
  const { body } = await door.fetch(followDoors, { signal: abort.signal });
  if (body === null) throw new Error("the answer has no body");
  const events = readEvents(body)[Symbol.asyncIterator]();
  const next = async (): Promise<DoorChange> => JSON.parse((await events.next()).value?.data ?? "{}") as DoorChange;
  expect(await next()).toEqual({ type: "open" });
  return {
    until: async (fits) => {
      for (let change = await next(); change.type !== "change" || !fits(change); change = await next());
    },
    [Symbol.asyncDispose]: async () => abort.abort(),
  };
}
