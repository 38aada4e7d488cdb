import { mkdir, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import { type DoorChange, type DoorPlace, type DoorView, followDoors, openDoor, renewDoor } from "#contract/internal/doors.ts";
import { homeFolderId } from "#contract/site.ts";
import { configSchema } from "#ftp/config.ts";
import { startFtp } from "#ftp/start.ts";
import { systemTimers, type Timers } from "#ftp/timers.ts";
import { Hints } from "#kit/hints.ts";
import { eventStream } from "#kit/http/event-stream.ts";
import { mount } from "#kit/http/mount.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { RawFtp } from "./ftp-clients.ts";
import { makeOrchestratorHome, type OrchestratorHome, startOrchestratorUnderTest } from "./orchestrator-under-test.ts";

const caller: GrantClaims = { aud: "manager", sub: "ftp", site: "*", verbs: ["door.open"], iat: 0, exp: 0 };

/** The FTP door in this process, with a real orchestrator's home folder behind it and a manager that the test plays: `ftp` with the password `ftp` is let in. */
export interface FtpDoor extends AsyncDisposable {
  readonly address: string;
  /** Where it says how it is; null unless asked for. */
  readonly healthUrl: string | null;
  /** The folder that `ftp` sees. */
  readonly folder: string;
  /** What the manager says that they may see; changes count from the next renewal on. */
  places: readonly DoorPlace[];
  /** Of the next sign-in: the one place, or null for folders. */
  root: number | null;
  /** Has the manager announce a change. */
  announce(change: { readonly sites: readonly number[]; readonly users: readonly number[] }): void;
  /** Connects, and takes the banner. */
  connect(localAddress?: string): Promise<RawFtp>;
  signIn(): Promise<RawFtp>;
}

export const homePlace: DoorPlace = { siteId: homeFolderId, name: "home", canWrite: true, canShell: false, epoch: 0 };

/** Opens it with these settings. */
export async function openFtpDoor(environment: Readonly<Record<string, string>> = {}, timers: Timers = systemTimers): Promise<FtpDoor> {
  const stack = new AsyncDisposableStack();
  const home = stack.use(await makeOrchestratorHome());
  const folder = join(home.data, "homedir");
  await mkdir(folder, { recursive: true });
  const orchestrator = stack.use(await startOrchestratorUnderTest(home));
  const manager = stack.use(await startFakeManager(home));
  const keyFile = join(home.data, "ftp.key");
  await writeFile(keyFile, JSON.stringify({ component: "ftp", secret: Buffer.alloc(32, 9).toString("base64url"), managerPublicKey: { kty: "OKP" } }));
  const config = configSchema.parse({
    ...{ BACKLOT_DATA: home.data, BACKLOT_FTP_PORT: "0", BACKLOT_FTP_KEY_FILE: keyFile },
    ...{ BACKLOT_MANAGER_URL: manager.url, BACKLOT_ORCHESTRATOR_URL: orchestrator.url },
    ...environment,
  });
  const running = await startFtp({ config, log: silentLog() }, { timers });
  stack.defer(() => running.stop());
  const address = running.doors.ftp ?? "";
  const connect = async (localAddress?: string): Promise<RawFtp> => {
    const ftp = new RawFtp(address, localAddress);
    const banner = await ftp.reply();
    if (!banner.startsWith("220")) throw new Error(banner);
    return ftp;
  };
  const signIn = async (): Promise<RawFtp> => {
    const ftp = await connect();
    await ftp.ask("USER ftp");
    const answer = await ftp.ask("PASS ftp");
    if (!answer.startsWith("230")) throw new Error(answer);
    return ftp;
  };
  const healthUrl = running.doors.ftpHealth ?? null;
  return Object.assign(manager.people, {
    address,
    healthUrl,
    folder,
    connect,
    signIn,
    announce: manager.announce,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  });
}

async function startFakeManager(home: OrchestratorHome) {
  const people: { places: readonly DoorPlace[]; root: number | null } = { places: [homePlace], root: homeFolderId };
  const app = createServer({ log: silentLog() });
  const guard = async (): Promise<GrantClaims> => caller;
  const news = new Hints();
  const changes: DoorChange[] = [];
  const view = async (root: number | null, grantsFor: readonly number[]): Promise<DoorView> => {
    const { places } = people;
    if (root !== null && !places.some(({ siteId }) => siteId === root)) throw new Failure("site_not_found");
    const granted = places.filter(({ siteId }) => grantsFor.includes(siteId));
    return {
      ...{ session: String(root), user: { id: 1, username: "ftp", epoch: 0 }, usesToken: false, allows: ["files" as const], places: [...places], root },
      grants: await Promise.all(granted.map(async (place): Promise<[number, string]> => [place.siteId, await grantFor(home, place)])),
    };
  };
  mount({ app, guard }, openDoor, async ({ body }) => {
    if (body.username !== "ftp" || body.password !== "ftp") throw new Failure("credentials_wrong");
    return view(people.root, []);
  });
  mount({ app, guard }, renewDoor, async ({ body }) => view(body.session === "null" ? null : Number(body.session), body.grantsFor));
  mount({ app, guard }, followDoors, async ({ signal }) => eventStream(follow(signal), signal));
  async function* follow(signal: AbortSignal): AsyncGenerator<DoorChange> {
    yield { type: "open" };
    while (!signal.aborted) {
      for (let change = changes.shift(); change !== undefined; change = changes.shift()) yield change;
      await news.wait("change", { maxMs: 10_000, signal });
    }
  }
  await app.listen({ host: "127.0.0.1", port: 0 });
  const announce: FtpDoor["announce"] = ({ sites, users }) => {
    changes.push({ type: "change", sites: [...sites], users: [...users] });
    news.notify("change");
  };
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return { people, announce, url, [Symbol.asyncDispose]: () => app.close() };
}

function grantFor(home: OrchestratorHome, place: DoorPlace): Promise<string> {
  const verbs = place.canWrite ? (["site.files.read", "site.files.write"] as const) : (["site.files.read"] as const);
  return home.signer.sign({ aud: "orchestrator", sub: "ftp", site: place.siteId, verbs: [...verbs] });
}
