// What only OpenSSH's own program shows: a real terminal, forwarding that is asked for on its command line; and who is in a site has what the site has.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { readSshDoor } from "#contract/api/keys.ts";
import { writeEnvironment } from "#contract/api/sites.ts";
import { openTerminal } from "#contract/api/terminals.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { titled, whyNoProgram } from "../support/needs.ts";
import { has, outcome, SshClients } from "../support/ssh-clients.ts";
import { TerminalClient } from "../support/terminal-client.ts";

// Programs of sites say their versions.
const missing = whyNoProgram("ssh", "python3", "git");

let folder: string;
let backlot: Backlot;
let clients: SshClients;
let ada: Person;
let key: string;

/** Programs of every site, each of which says which version it is. */
const tools = "node --version; python3 --version 2>&1; git --version";
const said = /^v\d+\.\d+[\s\S]*^Python 3\.\d+[\s\S]*^git version \d/m;

describe.skipIf(missing !== null)(titled("OpenSSH", missing), () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "backlot-openssh-"));
    backlot = await startBacklot();
    clients = new SshClients(folder, backlot);
    ada = await backlot.addPerson("ada");
    await ada.createSite("clock", "static");
    await ada.createSite("second", "static");
    key = (await clients.addKey(ada)).file;
    const { operation } = await ada.client.call(writeEnvironment, { params: { name: "second" }, body: { environment: { GREETING: "good morning" } } });
    if (operation !== null) await ada.succeeded(operation);
  });
  afterAll(async () => {
    await backlot?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** `ssh` on a terminal of 91 columns and 33 rows. */
  const onTerminal = (user: string, options: readonly string[]): ChildProcess => {
    const ssh = ["ssh", ...clients.options(key), ...options, "-p", clients.port, `${user}@${clients.host}`].join(" ");
    return spawn("script", ["-qec", `stty rows 33 cols 91; exec ${ssh}`, "/dev/null"], { cwd: folder, stdio: "pipe" });
  };
  const shownBy = (child: ChildProcess): (() => string) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    return () => text;
  };

  it.skipIf(!has("script"))(
    titled("chooses a site from the menu, has its terminal's size, and ends with the shell's own status", whyNoProgram("script")),
    async () => {
      const child = onTerminal("ada", ["-tt"]);
      const text = shownBy(child);
      const ended = once(child, "close");
      await expect.poll(text, { timeout: 30_000 }).toContain("2  second");
      child.stdin?.write("2\r");
      await expect.poll(text, { timeout: 30_000 }).toContain("Backlot: the site second.");
      child.stdin?.write('stty size; tty; echo "<$GREETING>"\r');
      await expect.poll(text, { timeout: 30_000 }).toMatch(/33 91\r\n\/dev\/\S+\r\n<good morning>\r\n/);
      child.stdin?.write("exit 7\r");
      expect(await ended).toEqual([7, null]);
    },
  );

  it("is refused a port of ours, and gets nothing through one of its own", async () => {
    const target = new URL(backlot.manager).host;
    const backwards = ["-oExitOnForwardFailure=yes", "-N", "-R", `0:${target}`];
    expect(await clients.ssh("ada/clock", key, [], { before: backwards })).toMatchObject({ code: 255, stderr: expect.stringContaining("forwarding failed") });
    expect((await clients.ssh("ada/clock", key, [], { before: ["-W", target], input: "GET /healthz HTTP/1.0\r\n\r\n" })).stdout.toString()).toBe("");

    const door = join(folder, "forwarded");
    const child = clients.start("ada/clock", key, [], ["-N", "-L", `${door}:${target}`]);
    const ended = outcome(child);
    await expect.poll(() => existsSync(door), { timeout: 30_000 }).toBe(true);
    const socket = connect(door);
    let answer = "";
    socket
      .on("error", () => undefined)
      .on("data", (chunk: Buffer) => {
        answer += chunk.toString();
      });
    socket.write("GET /healthz HTTP/1.0\r\n\r\n");
    await new Promise<void>((resolve) => void socket.once("close", () => resolve()));
    expect(answer).toBe("");
    child.kill();
    await ended;
  });

  it("finds the site's variables and tools in a command, as its shells and the dashboard's terminals do", async () => {
    const ran = await clients.ssh("ada/second", key, [`echo "<$GREETING>"; ${tools}`]);
    expect(ran.stdout.toString()).toMatch(/^<good morning>$/m);
    expect(ran.stdout.toString()).toMatch(said);
    // The other site has none of it.
    expect((await clients.ssh("ada/clock", key, ['echo "<$GREETING>"'])).stdout.toString()).toBe("<>\n");

    const params = { name: "second" };
    const { terminal } = await ada.client.call(openTerminal, { params, body: { size: { cols: 80, rows: 24 }, environment: {} } });
    const address = `${backlot.manager.replace("http", "ws")}/api/v1/sites/second/terminals/${terminal.id}/socket`;
    const web = new TerminalClient(new WebSocket(address, { headers: { authorization: `Bearer ${ada.token}` } }));
    await web.event("attached");
    web.type(`clear; echo "<$GREETING>"; ${tools}; echo last-$((40 + 2))\r`);
    await web.until(({ shown }) => shown.includes("last-42"), 60_000);
    expect(web.shown).toContain("<good morning>\r\n");
    expect(web.shown).toMatch(said);
    web.socket.close();
  });

  it("meets the same host keys after a restart", async () => {
    const fingerprints = async (): Promise<string> => {
      const scanned = await clients.run("ssh-keyscan", ["-p", clients.port, "-t", "ed25519,ecdsa", clients.host]);
      const shown = await clients.run("ssh-keygen", ["-lf", "-"], { input: scanned.stdout });
      return (
        shown.stdout
          .toString()
          .match(/SHA256:\S+/g)
          ?.toSorted()
          .join(" ") ?? ""
      );
    };
    const before = await fingerprints();
    expect(before.split(" ")).toHaveLength(2);
    await backlot.stop();
    await backlot.start();
    expect(await fingerprints()).toBe(before);
    const { ssh } = await ada.client.call(readSshDoor, {});
    expect(
      ssh?.keys
        .map(({ fingerprint }) => fingerprint)
        .toSorted()
        .join(" "),
    ).toBe(before);
  });
});
