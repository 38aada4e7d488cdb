// README's tour, word by word: its commands are read out of it and typed at a terminal, one after the other, and its links are opened.
import { spawn as spawnProgram } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { spawn } from "@lydell/node-pty";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Backlot, checkout, startBacklot } from "../support/backlot.ts";
import { type CliRun, done, runBacklot } from "../support/backlot-cli.ts";
import { childEnvironment } from "../support/child-environment.ts";
import { titled, whyNoProgram } from "../support/needs.ts";

const noNpx = whyNoProgram("npx");
const password = "a tourist's password";
let folder: string;
let backlot: Backlot;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-tour-"));
  // Nobody has chosen a password yet.
  backlot = await startBacklot({ hasOwnGroup: true, environment: { BACKLOT_ADMIN_PASSWORD: "" } });
  await symlink(backlot.data, join(folder, "data"));
  await mkdir(join(folder, "bin"));
  await writeFile(join(folder, "ssh_config"), `UserKnownHostsFile ${folder}/known_hosts\nPubkeyAuthentication no\n`);
  // `npx backlot` is the program of the checkout; the host that nobody knows yet stays unknown to this machine's own user.
  await program("npx", `[ "$1" = backlot ] && shift && exec "${process.execPath}" "${checkout}/bin/backlot.mjs" "$@"`);
  for (const name of ["ssh", "sftp"]) await program(name, `exec /usr/bin/${name} -F "${folder}/ssh_config" "$@"`);
});
afterAll(async () => {
  await backlot?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function program(name: string, line: string): Promise<void> {
  return writeFile(join(folder, "bin", name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
}

const portOf = (url: string): string => url.slice(url.lastIndexOf(":") + 1);

/** A word of README for this Backlot, whose doors are at free ports. */
function here(text: string): string {
  return text
    .replaceAll("localhost:8000", `localhost:${portOf(backlot.manager)}`)
    .replaceAll("localhost:8080", `localhost:${portOf(backlot.router)}`)
    .replaceAll("localhost:2121", `localhost:${portOf(backlot.ftp)}`)
    .replaceAll(/(-p|-P) 2222\b/g, `$1 ${portOf(backlot.ssh)}`)
    .replaceAll("/tmp/page", `${folder}/page`);
}

/** What a person types when they are asked, and where a client waits for a command. */
const replies = [
  [/User name at \S+: $/, "admin"],
  [/[Pp]assword: ?$/, password],
  [/\(yes\/no\/\[fingerprint\]\)\? $/, "yes"],
  [/\nBacklot: the site [\s\S]*[$#] $/, "ls; exit"],
  [/sftp> $/, "ls\rbye"],
  [/lftp \S+> $/, "ls\rexit"],
] as const;

/** Types a line at a terminal in the folder where `npm start` runs; what it shows, and its exit code. */
function type(line: string): Promise<{ readonly code: number; readonly shown: string }> {
  const env = { ...childEnvironment, PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, TERM: "dumb", NO_COLOR: "1" };
  const terminal = spawn("/bin/sh", ["-c", line], { cwd: folder, cols: 200, rows: 40, env });
  let shown = "";
  let answered = 0;
  terminal.onData((text) => {
    shown += text.replaceAll("\r", "");
    const reply = replies.find(([question]) => question.test(shown.slice(answered)));
    if (reply === undefined) return;
    answered = shown.length;
    terminal.write(`${reply[1]}\r`);
  });
  return new Promise((resolve) => terminal.onExit(({ exitCode }) => resolve({ code: exitCode, shown })));
}

interface Step {
  readonly command?: string;
  readonly link?: string;
}

/** The tour's commands, those of its blocks and those within its sentences, and its links, in their order. */
async function stepsOfTour(): Promise<readonly Step[]> {
  const readme = await readFile(join(checkout, "README.md"), "utf8");
  const tour = /^## A tour of five minutes\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
  const parts = tour.matchAll(/^ *```\n(?<block>[\s\S]*?)^ *```$|`(?<command>(?:npx|ssh|sftp|lftp|curl) [^`]+)`|<(?<link>http:[^>]+)>/gm);
  return [...parts].flatMap(({ groups = {} }): Step[] => {
    const { block, command, link } = groups;
    if (block !== undefined)
      return block
        .trim()
        .split("\n")
        .map((line) => ({ command: line.trim() }));
    return [command === undefined ? { link: link ?? "" } : { command }];
  });
}

/** What has to be seen after a step; a step without a line here only has to succeed. */
const seen: readonly (readonly [step: string, shown: RegExp])[] = [
  ["npx backlot login http://localhost:8000", /Signed in at http:\/\/localhost:\d+ as admin\./],
  ["npx backlot create hello --starter static", /http:\/\/hello\.localhost:\d+/],
  ["npx backlot sites", /clock +.*asleep[\s\S]*hello/],
  ["http://hello.localhost:8080", /<h1>/],
  ["http://clock.localhost:8080", /Your Node server is running\./],
  ["ssh -p 2222 admin/clock@localhost", /Backlot: the site clock\.[\s\S]*server\.js/],
  ["sftp -P 2222 admin@localhost", /sftp> ls\n[\s\S]*clock[\s\S]*hello/],
  ["lftp -e 'set ssl:verify-certificate no' -u admin ftp://localhost:2121", /clock[\s\S]*hello/],
  ["npx backlot task run count.sh", /1 of 3\n2 of 3\n3 of 3/],
  ["npx backlot schedule add counting @daily count.sh", /It runs next at \d{4}-/],
  ["npx backlot logs clock", /Listening on/],
  ["npx backlot status clock", /state +asleep/],
  ["npx backlot rm hello --yes", /hello is deleted\./],
];

test("the first start prints the link that README shows, and it makes the administrator", async () => {
  const readme = await readFile(join(checkout, "README.md"), "utf8");
  const link = new RegExp(`${here(/`(http:\/\/localhost:8000\/setup\/)…`/.exec(readme)?.[1] ?? "no link")}(\\S+)`).exec(backlot.output);
  const headers = { "content-type": "application/json" };
  const made = await backlot.ask("/api/v1/setup", { method: "POST", headers, body: JSON.stringify({ secret: link?.[1], password }) });
  expect([made.status, JSON.parse(made.text)]).toEqual([201, expect.objectContaining({ user: expect.objectContaining({ username: "admin" }) })]);
});

test("every command of the tour does what it says, and every link opens", async () => {
  const steps = await stepsOfTour();
  expect(steps.length).toBeGreaterThan(18);
  for (const [step] of seen) expect(steps.map(({ command, link }) => link ?? command?.split("  #")[0]?.trim())).toContain(step);
  for (const { command, link } of steps) {
    const wanted = seen.find(([step]) => step === (link ?? command?.split("  #")[0]?.trim()))?.[1] ?? /(?:)/;
    if (link !== undefined) {
      const { hostname } = new URL(link);
      expect([link, await backlot.visit(hostname.replace(".localhost", ""))]).toEqual([
        link,
        expect.objectContaining({ status: 200, text: expect.stringMatching(wanted) }),
      ]);
      continue;
    }
    const client = command?.split(" ")[0] ?? "";
    // What the machine has or lacks is told by its exit code.
    if (command === "npx backlot doctor" || (["ssh", "sftp", "lftp"].includes(client) && whyNoProgram(client) !== null)) continue;
    const { code, shown } = await type(here(command ?? ""));
    expect([command, code, shown]).toEqual([command, 0, expect.stringMatching(wanted)]);
  }
  expect((await backlot.visit("hello")).status).toBe(404);
}, 240_000);

describe("with --json", () => {
  const json = (argv: readonly string[], input = ""): Promise<CliRun> => runBacklot([...argv, "--json"], { home: folder, server: backlot.manager, input });
  const site = expect.objectContaining({ name: "parsed" });
  const operation = expect.objectContaining({ state: "succeeded" });

  beforeAll(async () => {
    await mkdir(join(folder, "parsed"));
    await writeFile(join(folder, "parsed/run.sh"), "exec node app.js\n");
    const server = "require('node:http').createServer((q, s) => s.end('process ' + process.hrtime())).listen(process.env.PORT, process.env.HOST)";
    await writeFile(join(folder, "parsed/app.js"), `${server};\nconsole.log("a line");\n`);
  });

  test.for([
    ["login --user admin --password-stdin", { username: "admin" }],
    ["create parsed --kind dynamic", { site }],
    ["deploy FOLDER --site parsed", { site, files: 2, operation }],
    ["sites", { sites: expect.arrayContaining([site]) }],
    ["open parsed", { url: expect.stringMatching(/^http:\/\/parsed\.localhost:\d+\/$/) }],
    ["restart parsed", { operation }],
    ["logs parsed", { lines: expect.arrayContaining(["a line"]) }],
    ["status parsed", { site: expect.objectContaining({ name: "parsed", state: "running" }) }],
    ["rm parsed --yes", { operation }],
    ["doctor", { checks: expect.arrayContaining([expect.objectContaining({ name: expect.any(String), state: expect.any(String) })]) }],
  ] as const)("backlot %s answers with one value", async ([command, wanted]) => {
    const argv = command.split(" ").map((word) => word.replace("FOLDER", join(folder, "parsed")));
    const before = command.startsWith("restart") ? (await backlot.visit("parsed")).text : "";
    const { exitCode, out } = await json(argv, `${password}\n`);
    expect(out).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(out)).toMatchObject(wanted);
    if (command !== "doctor") expect(exitCode).toBe(0);
    if (!command.startsWith("restart")) return;
    const after = (await backlot.visit("parsed")).text;
    expect(after).toMatch(/^process \d/);
    expect(after).not.toBe(before);
  });

  test("`logs -f` prints a line that comes after it was started, and Ctrl-C ends it", async () => {
    const child = spawnProgram(process.execPath, [join(checkout, "bin/backlot.mjs"), "logs", "clock", "-f"], {
      env: { ...childEnvironment, HOME: folder, BACKLOT_SERVER: backlot.manager },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let shown = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (shown += text));
    const ended = once(child, "exit");
    const times = (): number => shown.split("Listening on").length - 1;
    await expect.poll(times, { timeout: 60_000 }).toBeGreaterThan(0);
    const before = times();
    await done(runBacklot(["restart", "clock"], { home: folder, server: backlot.manager }));
    await expect.poll(times, { timeout: 60_000 }).toBe(before + 1);
    child.kill("SIGINT");
    // A shell tells it as 130.
    expect(await ended).toEqual([null, "SIGINT"]);
    expect(shown).not.toContain("error");
  });

  test.skipIf(noNpx !== null)(titled("`npx backlot` in the checkout is the program, without a network", noNpx), async () => {
    const child = spawnProgram("npx", ["--offline", "backlot", "sites"], {
      cwd: checkout,
      env: { ...childEnvironment, HOME: folder, BACKLOT_SERVER: backlot.manager },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^clock +/m)]);
    expect(err).not.toContain("ERR!");
  });

  test("a person is told in words", async () => {
    const { out } = await done(runBacklot(["restart", "clock"], { home: folder, server: backlot.manager }));
    expect(out).toBe("clock is restarted.\n");
  });
});

test("Ctrl-C stops everything, and the data stays", async () => {
  await backlot.pressControlC();
  await backlot.noneLeft();
  expect(await readdir(join(folder, "data"))).toEqual(expect.arrayContaining(["postgres", "sites"]));
});
