// The session of the original's README, with curl against the real program: the same requests, and what its reader is told to see.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminPassword, type Backlot, startBacklot } from "../support/backlot.ts";
import { titled, whyNoProgram } from "../support/needs.ts";

interface Row {
  readonly id: number;
  readonly uid: string;
  readonly created: string;
  readonly script: string;
  readonly arguments: unknown;
  readonly started: string | null;
  readonly finished: string | null;
  readonly diskspace_before: number | null;
  readonly diskspace_after: number | null;
  readonly retcode: number | null;
}

const fields = ["id", "uid", "created", "script", "arguments", "started", "finished", "diskspace_before", "diskspace_after", "retcode"];
const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/;

let data: string;
let backlot: Backlot;
let logs: string;
let home: string;

describe.skipIf(whyNoProgram("curl") !== null)(titled("the session of remote-executor's README", whyNoProgram("curl")), () => {
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), "backlot-session-"));
    logs = join(data, "logs", "worker", "tasks");
    home = join(data, "home of all");
    backlot = await started("1");
  });
  afterAll(async () => {
    await backlot?.[Symbol.asyncDispose]();
    await rm(data, { recursive: true, force: true, maxRetries: 5 });
  });

  it("touch.sh makes a file in the home folder, and its logs are there by its uid", async () => {
    const { status, row } = await create('{ "script" : "touch.sh", "arguments" : { "" : "sample_file.txt" } }');
    expect(status).toBe(201);
    expect(Object.keys(row)).toEqual(fields);
    expect(row).toEqual({
      ...{ id: 1, uid: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/), created: expect.stringMatching(moment) },
      ...{ script: "touch.sh", arguments: { "": "sample_file.txt" } },
      ...{ started: null, finished: null, diskspace_before: null, diskspace_after: null, retcode: null },
    });
    const ended = await untilEnded(row.id);
    expect(ended).toEqual({
      ...row,
      ...{ started: expect.stringMatching(moment), finished: expect.stringMatching(moment), retcode: 0 },
      ...{ diskspace_before: expect.any(Number), diskspace_after: expect.any(Number) },
    });
    expect((await stat(join(home, "sample_file.txt"))).size).toBe(0);
    expect((await readdir(logs)).filter((name) => name.startsWith(row.uid)).sort()).toEqual([`${row.uid}_stderr.log`, `${row.uid}_stdout.log`]);
  });

  it("the README's mistake, -p given to touch.sh, ends with 1", async () => {
    const { row } = await create('{ "script" : "touch.sh", "arguments" : { "-p" : "", "" : "sample_dir" } }');
    expect(await untilEnded(row.id)).toMatchObject({ id: 2, script: "touch.sh", arguments: { "-p": "", "": "sample_dir" }, retcode: 1 });
    expect(await readFile(join(logs, `${row.uid}_stderr.log`), "utf8")).toMatch(/touch: invalid option -- 'p'/);
  });

  it("mkdir.sh makes a folder, and one that is there already is no mistake", async () => {
    for (const id of [3, 4]) {
      const { row } = await create('{ "script" : "mkdir.sh", "arguments" : { "-p" : "", "" : "sample_dir" } }');
      expect(await untilEnded(row.id)).toMatchObject({ id, script: "mkdir.sh", retcode: 0 });
    }
    expect((await stat(join(home, "sample_dir"))).isDirectory()).toBe(true);
  });

  it("ls.sh lists the home folder, with arguments as ls takes them", async () => {
    const { row } = await create('{ "script" : "ls.sh", "arguments" : { "-1" : "", "-p" : "" } }');
    expect(await untilEnded(row.id)).toMatchObject({ retcode: 0 });
    expect(await stdoutOf(row)).toBe("sample_dir/\nsample_file.txt\n");
  });

  it("echo is a command of the shell, where the shell is let in", async () => {
    const { status, row } = await create('{ "script": "echo", "arguments" : { "" : "Hello World!" } }');
    expect(status).toBe(201);
    expect(await untilEnded(row.id)).toMatchObject({ script: "echo", arguments: { "": "Hello World!" }, retcode: 0 });
    expect(await stdoutOf(row)).toBe("Hello World!\n");
  });

  it("the shell reads quotes, patterns and pipes, for commands and for scripts", async () => {
    const { row: script } = await create({ script: "ls.sh", arguments: { "-d": "*.txt 'sample_dir' | tr a-z A-Z" } });
    await untilEnded(script.id);
    expect(await stdoutOf(script)).toBe("SAMPLE_DIR\nSAMPLE_FILE.TXT\n");
    const { row: command } = await create({ script: "printf '%s;' *.txt \"a  b\"", arguments: { "": "$((6 * 7)); exit 3" } });
    expect(await untilEnded(command.id)).toMatchObject({ retcode: 3 });
    expect(await stdoutOf(command)).toBe("sample_file.txt;a  b;42;");
  });

  it("a row is found by its number and by its uid, and the same", async () => {
    const byId = await curl("/task/view/pk:1");
    const { uid } = JSON.parse(byId.body) as Row;
    expect(await curl(`/task/view/uid:${uid}`)).toEqual(byId);
    expect(await curl(`/task/view/uid:${uid.replaceAll("-", "").toUpperCase()}`)).toEqual(byId);
    expect(byId.body).toMatch(/^\{"id": 1, "uid": "[^"]+", "created": "[^"]+Z", "script": "touch\.sh", "arguments": \{"": "sample_file\.txt"\}, "started": "/);
  });

  it("the tasks of a day are listed with Python's text of their arguments, and counted", async () => {
    const day = (JSON.parse((await curl("/task/view/pk:1")).body) as Row).created.slice(0, 10).replaceAll("-", "");
    const list = await curl(`/task/view/date:${day}`);
    expect((JSON.parse(list.body) as Row[]).slice(0, 3).map(({ id, arguments: given }) => [id, given])).toEqual([
      [1, "{'': 'sample_file.txt'}"],
      [2, "{'-p': '', '': 'sample_dir'}"],
      [3, "{'-p': '', '': 'sample_dir'}"],
    ]);
    const count = await curl(`/task/view/date:${day}/count`);
    expect(count).toEqual({ status: 200, type: "application/json", body: String((JSON.parse(list.body) as Row[]).length) });
    expect((await curl("/task/view/date:19990101")).body).toBe("[]");
    // At midnight today would be another day.
    if (new Date().toISOString().slice(0, 10).replaceAll("-", "") === day) expect((await curl("/task/view/date:today")).body).toBe(list.body);
  });

  it("the charts are pages", async () => {
    const daily = await curl("/task/charts/daily");
    expect([daily.status, daily.type]).toEqual([200, "text/html; charset=utf-8"]);
    expect(daily.body).toContain("<h1>Daily Task Count Data This Month</h1>");
    const disk = await curl("/task/charts/disk");
    expect(disk.body).toContain("<h1>Disk Space Remaining This Month</h1>");
    expect(disk.body).toMatch(/<tr><th scope="row">1<\/th><td>[\d-]+ [\d:]+<\/td><td>/);
  });

  it("nobody comes in without a password", async () => {
    const { stdout } = await run("curl", ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", `${backlot.manager}/task/view/date:today`]);
    expect(stdout).toBe("401");
  });

  it("without the shell an unknown script ends with 127, and nothing leads out of the script folder", async () => {
    await backlot.stop();
    backlot = await started("0");
    for (const script of ["echo", "../../bin/ls", "/bin/ls", "x; touch evil"]) {
      const { status, row } = await create({ script, arguments: { "": "Hello World!" } });
      expect(status).toBe(201);
      expect(await untilEnded(row.id)).toMatchObject({ script, retcode: 127 });
    }
    const { row } = await create({ script: "ls.sh", arguments: { "": "*.txt" } });
    expect(await untilEnded(row.id)).toMatchObject({ retcode: 2 });
    const { row: number } = await create({ script: "touch.sh", arguments: { n: 5 } });
    expect(await untilEnded(number.id)).toMatchObject({ retcode: 99 });
    expect(await readdir(home)).toEqual(["sample_dir", "sample_file.txt"]);
  });
});

const run = promisify(execFile);

// With the settings of the original's supervisord.conf, by its own names.
function started(allowShell: string): Promise<Backlot> {
  return startBacklot({
    dataFolder: data,
    environment: { WORKER_DIRECTORY_PATH: `${home}/`, WORKER_STDOUT_PATH: logs, WORKER_STDERR_PATH: logs, WORKER_ALLOW_SHELL: allowShell },
  });
}

async function curl(path: string, ...more: readonly string[]): Promise<{ status: number; type: string; body: string }> {
  const told = ["--write-out", "\n%{http_code} %{content_type}"];
  const { stdout } = await run("curl", ["--silent", "--user", `admin:${adminPassword}`, ...told, ...more, `${backlot.manager}${path}`]);
  const at = stdout.lastIndexOf("\n");
  const [status = "", ...type] = stdout.slice(at + 1).split(" ");
  return { status: Number(status), type: type.join(" "), body: stdout.slice(0, at) };
}

async function create(body: string | object): Promise<{ readonly status: number; readonly row: Row }> {
  // As curl sends it by itself: with the type of a form.
  const answer = await curl("/task/create", "--data", typeof body === "string" ? body : JSON.stringify(body));
  return { status: answer.status, row: JSON.parse(answer.body) as Row };
}

async function untilEnded(id: number): Promise<Row> {
  for (let patience = 600; ; patience -= 1) {
    const row = JSON.parse((await curl(`/task/view/pk:${id}`)).body) as Row;
    if (row.retcode !== null) return row;
    if (patience === 0) throw new Error(`task ${id} does not end: ${JSON.stringify(row)}\n${backlot.output}`);
    await delay(100);
  }
}

async function stdoutOf(row: Row): Promise<string> {
  return readFile(join(logs, `${row.uid}_stdout.log`), "utf8");
}
