// Somebody's access to a site changes: whoever it is not about goes on at every door as if nothing had happened.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type ssh2 from "ssh2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { removeMember, setMember } from "#contract/api/members.ts";
import { updateSite } from "#contract/api/sites.ts";
import { listTerminals, openTerminal } from "#contract/api/terminals.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { RawFtp } from "../support/ftp-clients.ts";
import { titled, whyNoProgram } from "../support/needs.ts";
import { SshClients } from "../support/ssh-clients.ts";
import { TerminalClient } from "../support/terminal-client.ts";

const noKeys = whyNoProgram("ssh-keygen");
const params = { name: "shared" };
let folder: string;
let backlot: Backlot;
let clients: SshClients;
let ada: Person;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-bystanders-"));
  backlot = await startBacklot({ environment: { BACKLOT_UNISOLATED_FOR_ALL: "true" } });
  clients = new SshClients(folder, backlot);
  ada = await backlot.addPerson("ada");
  await ada.createSite("shared", "static");
});
afterAll(async () => {
  await backlot?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A program that says a number five times a second, under the number of its process. */
const counting = "echo began as $$; i=0; while :; do i=$((i + 1)); echo tick-$i-; sleep 0.2; done\n";
const lastTick = (text: string): number => Number([...text.matchAll(/tick-(\d+)-/g)].at(-1)?.[1] ?? 0);
const processIn = (text: string): string | undefined => /began as (\d+)/.exec(text)?.[1];

async function attach(person: Person, terminal: string): Promise<TerminalClient> {
  const address = `${backlot.manager.replace("http", "ws")}/api/v1/sites/shared/terminals/${terminal}/socket`;
  const client = new TerminalClient(new WebSocket(address, { headers: { authorization: `Bearer ${person.token}` } }));
  await client.event("attached");
  return client;
}

/** A person at every door of the site. */
async function everywhere(person: Person) {
  const open = async (): Promise<string> =>
    (await person.client.call(openTerminal, { params, body: { size: { cols: 80, rows: 24 }, environment: {} } })).terminal.id;
  const [terminal, unseen] = [await open(), await open()];
  const web = await attach(person, terminal);
  web.type(counting);

  const ssh = await clients.connect(`${person.username}/shared`, (await clients.addKey(person)).file);
  const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) =>
    ssh.shell({ term: "xterm" }, (error, made) => (error ? reject(error) : resolve(made))),
  );
  let shell = "";
  channel.on("data", (chunk: Buffer) => {
    shell += chunk.toString();
  });
  channel.write(counting);

  const other = await clients.connect(`${person.username}/shared`, (await clients.addKey(person)).file);
  const sftp = await new Promise<ssh2.SFTPWrapper>((resolve, reject) => other.sftp((error, made) => (error ? reject(error) : resolve(made))));
  const statBySftp = () =>
    new Promise<boolean>((resolve, reject) => sftp.stat("/public", (error, found) => (error ? reject(error) : resolve(found.isDirectory()))));

  const ftp = new RawFtp(backlot.ftp);
  await ftp.reply();
  await ftp.ask(`USER ${person.username}/shared`);
  expect(await ftp.ask(`PASS password of ${person.username}`)).toBe("230 Login successful.");

  // When each was closed.
  const closings = Object.entries({
    ssh: once(ssh, "close"),
    sftp: once(other, "close"),
    ftp: ftp.closed(240_000),
    web: web.until(({ events }) => events.some(({ type }) => type === "closed"), 240_000),
  }).map(async ([door, closing]): Promise<readonly [string, number]> => [door, await closing.then(() => performance.now())]);
  for (const closing of closings) closing.catch(() => undefined);
  const ticks = () => [lastTick(web.shown), lastTick(shell)];
  await expect.poll(() => Math.min(...ticks()), { timeout: 30_000 }).toBeGreaterThan(2);
  expect(await statBySftp()).toBe(true);
  return {
    person,
    terminal,
    unseen,
    web,
    ftp,
    ticks,
    statBySftp,
    closings,
    shellText: () => shell,
    leave: () => void [ssh, other].map((client) => client.end()),
  };
}
type Everywhere = Awaited<ReturnType<typeof everywhere>>;

/** Closed two seconds after this moment; and a second more for a machine that does everything else at the same time. */
async function areClosedSoonAfter(given: Everywhere, at: number): Promise<void> {
  const late = (await Promise.all(given.closings)).map(([door, closedAt]) => [door, closedAt - at] as const).filter(([, took]) => took > 3_000);
  expect(late).toEqual([]);
}

/** Everything of theirs goes on, for longer than anything that was not renewed would live. */
async function goesOn(given: Everywhere): Promise<void> {
  const { person, terminal, unseen, web, ftp, ticks, statBySftp, shellText } = given;
  const before = ticks();
  const [webProcess, shellProcess] = [processIn(web.shown), processIn(shellText())];
  await expect.poll(() => ticks().map((tick, index) => tick - (before[index] ?? 0) > 15), { timeout: 60_000 }).toEqual([true, true]);
  expect(await statBySftp()).toBe(true);
  expect(await ftp.ask("CWD /public")).toMatch(/^250/);
  expect((await person.client.call(listTerminals, { params })).terminals.map(({ id }) => id)).toEqual([terminal, unseen]);
  expect(web.events.map(({ type }) => type)).toEqual(["attached"]);
  // All of it is there for somebody who comes back, and it is the same program.
  const again = await attach(person, terminal);
  await again.until(({ shown }) => lastTick(shown) > 15);
  expect([processIn(again.shown), lastTick(again.shown.slice(0, again.shown.indexOf("tick-2-")))]).toEqual([webProcess, 1]);
  expect([processIn(web.shown), processIn(shellText())]).toEqual([webProcess, shellProcess]);
  again.socket.close();
}

it.skipIf(noKeys !== null)(
  titled("a change of somebody else's access goes unnoticed, and who loses theirs is out within two seconds", noKeys),
  async () => {
    const people = [];
    for (const name of ["ben", "cleo", "dan"]) {
      people.push(await backlot.addPerson(name));
      await ada.client.call(setMember, { params: { ...params, username: name }, body: { role: "editor" } });
    }
    const [ben, cleo] = await Promise.all(people.slice(0, 2).map(everywhere));
    if (ben === undefined || cleo === undefined) throw new Error("nobody is there");

    await ada.client.call(removeMember, { params: { ...params, username: "dan" } });
    await Promise.all([goesOn(ben), goesOn(cleo)]);

    const at = performance.now();
    await ada.client.call(removeMember, { params: { ...params, username: "cleo" } });
    await areClosedSoonAfter(cleo, at);
    expect(await cleo.web.event("closed")).toEqual({ type: "closed", reason: "access_changed" });
    await goesOn(ben);

    // To read only is less than a shell needs.
    await ada.client.call(setMember, { params: { ...params, username: "ben" }, body: { role: "viewer" } });
    await Promise.all(ben.closings);
    for (const each of [ben, cleo]) each.leave();
  },
  240_000,
);

it.skipIf(noKeys !== null)(
  titled("who is in a site that an administrator disables is out of it at every door within two seconds", noKeys),
  async () => {
    const eve = await backlot.addPerson("eve");
    await ada.client.call(setMember, { params: { ...params, username: "eve" }, body: { role: "editor" } });
    const inside = await everywhere(eve);
    const admin = await backlot.admin();
    const at = performance.now();
    await admin.client.call(updateSite, { params, body: { availability: "disabled", reason: "a test" } });
    await areClosedSoonAfter(inside, at);
    inside.leave();
    await admin.client.call(updateSite, { params, body: { availability: "enabled", reason: "a test" } });
  },
  120_000,
);
