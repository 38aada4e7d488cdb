import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { titled, whyNoWarmSandbox } from "../../../../test/support/needs.ts";
import { type ProcessRuntimeHarness, processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { startHost } from "../../../../test/support/site-runtime-hosting.ts";
import type { RunRequest } from "../run.ts";
import { findCgroupHome } from "./cgroup-plan.ts";
import { viewFolder } from "./machine-places.ts";
import { findProgram } from "./machine-programs.ts";
import { parentOf } from "./process-table.ts";
import { mustRun } from "./run-command.ts";
import { siteOwner } from "./site-owner.ts";

const missing = whyNoWarmSandbox();

/** Names the sandbox: numbers of namespaces are given again. */
const names = "stat -c '%d %w' /tmp";
/** And everything in it that another run could have left. */
const looks = `${names}
ls -A /tmp /dev/shm /run /dev/mqueue; stat -c '%n %a' /tmp /dev/shm /run
grep -c . /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg
set -- /proc/[0-9]*; echo $# processes
nice; ulimit -n; grep Cpus_allowed: /proc/self/status; ls /proc/self/fd | wc -l`;

interface Ended {
  readonly exit: { readonly code: number | null; readonly signal: string | null };
  readonly sandbox: string;
  readonly rest: string;
  readonly errors: string;
}

describe.skipIf(missing !== null)(titled("sandboxes that serve several runs", missing), { timeout: 180_000 }, () => {
  let harness: ProcessRuntimeHarness;
  let untouched: string;
  beforeAll(async () => {
    // However slow the machine is.
    harness = processRuntimeHarness({ mode: "auto", idleSandboxMs: 3_600_000 });
    untouched = (await run(looks)).rest;
  });
  afterAll(() => harness[Symbol.asyncDispose]());

  /** The first line that a command prints is the sandbox it was in. */
  const runIn = async (where: ProcessRuntimeHarness, command: string, given: Partial<RunRequest> & { readonly siteId?: number } = {}): Promise<Ended> => {
    const { siteId, ...rest } = given;
    const { request, printed } = await where.run("warm", "tells", siteId === undefined ? {} : { siteId });
    const running = await where.runtime.run({ ...request, command: { kind: "command", command }, arguments: [], ...rest });
    const exit = await running.exited;
    const [sandbox = "", ...lines] = printed("stdout").split("\n");
    return { exit, sandbox, rest: lines.join("\n"), errors: printed("stderr") };
  };
  const run = (command: string, given: Partial<RunRequest> & { readonly siteId?: number } = {}): Promise<Ended> => runIn(harness, command, given);

  it("serve the next run like it, and no other", async () => {
    const first = await run(names);
    expect((await run(names, { environment: { OTHER: "1" } })).sandbox).toBe(first.sandbox);
    const others = [
      await run(names, { siteId: 41 }),
      await run(names, { siteId: 42 }),
      await run(names, { limits: { cpu: 1, memoryBytes: 90_000_000, pids: 64 } }),
    ];
    expect(new Set([first, ...others].map(({ sandbox }) => sandbox)).size).toBe(4);
    expect((await run(names, { siteId: 41 })).sandbox).toBe(others[0]?.sandbox);
  });

  it("are not used when the site's folder is another one by now", async () => {
    const { request } = await harness.run("replaced", "tells", { siteId: 43 });
    if (request.place.kind !== "site") throw new Error("no site");
    const { folder } = request.place;
    const again = async (): Promise<Ended> => run(`${names}; cat mark; echo new >mark`, { place: request.place });
    const before = await again();
    expect(await again()).toMatchObject({ sandbox: before.sandbox, rest: "new\n" });
    renameSync(folder, `${folder}.old`);
    mkdirSync(folder);
    const owner = siteOwner(43);
    if (owner !== null) chownSync(folder, owner.uid, owner.gid);
    const after = await again();
    expect(after.sandbox).not.toBe(before.sandbox);
    expect(after.rest).toBe("");
  });

  it("give each run its own variables and none of another's, as one that is launched by itself has them", async () => {
    const environment = { OPTIND: "no number", IFS: "x", PPID: "7", LINENO: "9", TOLD: "it's 'quoted'\n\"so\" $HOME `id` \\", "not a name": "1", _b: "b" };
    const tells = (where: ProcessRuntimeHarness, given: Readonly<Record<string, string>>) => {
      mkdirSync(join(where.base, "scripts"), { recursive: true });
      const file = join(where.base, "scripts", "tells.py");
      writeFileSync(file, "#!/usr/bin/python3\nimport json, os\nprint()\nprint(json.dumps(dict(os.environ), sort_keys=True))\n", { mode: 0o755 });
      return runIn(where, "", { command: { kind: "script", path: "tells.py", needsShell: false, shellArguments: null }, environment: given });
    };
    await run(names, { environment: { SECRET: "of another" } });
    const { "not a name": _not, ...seen } = environment;
    const { HOME: _home, LANG: _lang, PATH: _path, PWD: _pwd, TZ: _tz, USER: _user, ...more } = JSON.parse((await tells(harness, environment)).rest);
    // Python adds the character set of its own.
    expect({ ...more, LC_CTYPE: "" }).toEqual({ ...seen, LC_CTYPE: "" });
    await using apart = processRuntimeHarness({ mode: "auto", idleNurseries: 0 });
    const plain = { ONE: "1", TWO: "a b\nc" };
    // Its gate may be another shell.
    expect((await tells(harness, plain)).rest).toBe((await tells(apart, plain)).rest.replace('"SHLVL": "0", ', ""));
  });

  it.each([
    ["a file in /tmp", "touch /tmp/left"],
    ["a hidden folder in /dev/shm", "mkdir /dev/shm/.left"],
    ["a file in /run", "touch /run/left"],
    ["the mode of /tmp", "chmod 700 /tmp"],
    ["an attribute of /tmp", `python3 -c 'import os; os.setxattr("/tmp", "user.left", b"1")' || chmod 777 /tmp`],
    ["a process in the background", "sleep 600 >/dev/null 2>&1 &"],
    ["a daemon that holds the output", "(setsid sh -c 'exec sleep 600' &)"],
    ["a daemon that ends a moment later", "(sh -c 'sleep 0.05; : >/tmp/late' >/dev/null 2>&1 &)"],
    ["shared memory of System V", "ipcmk -M 4096"],
    ["a semaphore of System V", "ipcmk -S 1"],
    ["a message queue of System V", "ipcmk -Q"],
    ["a message queue of POSIX", `python3 -c 'import ctypes; print(ctypes.CDLL(None).mq_open(b"/left", 0o102, 0o600, None))'`],
    ["a limit of the first process", "prlimit --pid 1 --nofile=20"],
    ["the niceness of the first process", "renice 7 -p 1"],
    ["the niceness of everybody", "renice 7 -u $(id -u)"],
    ["the processors of the first process", "taskset -p 1 1"],
    ["the niceness of the session", "[ ! -e /proc/self/autogroup ] && renice 7 -p 1 || echo 7 >/proc/self/autogroup"],
  ])("end with a run that leaves something: %s", async (_, leaves) => {
    const before = await run(looks);
    expect(before.rest).toBe(untouched);
    const left = await run(`${names}; ${leaves}`);
    expect(left.sandbox).toBe(before.sandbox);
    expect(left.exit, left.errors).toMatchObject({ code: 0, signal: null });
    const after = await run(looks);
    expect(after.sandbox).not.toBe(before.sandbox);
    expect(after.rest).toBe(untouched);
    expect((await run(names)).sandbox).toBe(after.sandbox);
  });

  it.each([
    ["to end every process", "sh -c 'kill -KILL -1'; kill -KILL -1", 0],
    ["to end the first process", "kill -KILL 1; kill -TERM 1; kill -HUP 1; true", 0],
    ["to halt the first process", "kill -STOP 1; kill -TSTP 1", 0],
    ["to wake the first process", "kill -CHLD 1; kill -CONT 1; kill -USR1 1; kill -PIPE 1; kill -ALRM 1; kill -INT 1; true", 0],
    ["to end its process group", "trap '' TERM INT; kill -TERM 0; kill -INT 0", 0],
    ["to give the first process another rank at the disk", "! ionice -c 3 -p 1 && ! ionice -c 3 -u 1000 && ! ionice -c 3 -P 0 && ionice -c 3 -p $$", 0],
    ["to schedule the first process otherwise", "! chrt --batch -p 0 1 && ! chrt --other --reset-on-fork -p 0 1 && chrt --batch -p 0 $$", 0],
    [
      "to schedule the first process by attributes",
      `python3 -c '
import ctypes, os, struct, sys
number = {"x86_64": 314}.get(os.uname().machine, 274)
attributes = lambda: ctypes.create_string_buffer(struct.pack("IIQiIQQQ", 48, 0, 1, 0, 0, 0, 0, 0))
call = ctypes.CDLL(None).syscall
sys.exit(call(number, 1, attributes(), 0) == 0 or call(number, 0, attributes(), 0) != 0)
'`,
      0,
    ],
    ["to be killed before the kernel", "echo 1000 >/proc/1/oom_score_adj; echo 1 >/proc/1/timerslack_ns; true", 0],
    ["to close what it has", "exec 0<&- 1>&- 2>&- 3>&- 5>&- 7>&- 9>&-", 0],
    [
      "to say what the gate says",
      `python3 -c '
import os
for fd in range(3, 64):
  try: os.write(fd, b"ended 9\\nclean\\n")
  except OSError: pass
'; exit 4`,
      4,
    ],
    ["to fill its output", "head -c 3000000 /dev/zero; exit 6", 6],
  ])("serve the next run after one that tries %s", async (_, tries, code) => {
    const before = await run(names);
    const hostile = await run(`${names}; ${tries}`);
    expect(hostile.sandbox).toBe(before.sandbox);
    expect(hostile.exit.code ?? 128 + 9, hostile.errors).toBe(hostile.exit.signal === null ? code : 137);
    const after = await run(looks);
    expect(after.rest).toBe(untouched);
    // What was killed may be dying still when it is looked at: nothing is kept then.
    if (!tries.includes("kill -KILL -1")) expect(after.sandbox).toBe(before.sandbox);
  });

  it("hide their first process's descriptors, memory, variables and folders from runs", async () => {
    const opens = `${names}
for file in fd/3 fd/7 fd/9 fd/10 mem environ cwd root exe auxv syscall stack map_files; do
  if head -c 1 /proc/1/$file >/dev/null 2>&1 || ls /proc/1/$file/ >/dev/null 2>&1 || readlink /proc/1/$file; then echo $file; fi
done
ls /proc/1/fd; cat /proc/1/environ; echo stray >/proc/1/fd/7; cat /opt/backlot/node/gate/sh; cp /opt/backlot/node/gate/sh /tmp/sh`;
    await run(names);
    const found = await run(opens);
    expect(found.rest).toBe("");
    expect(found.errors.match(/Permission denied/g)?.length).toBeGreaterThan(3);
    // The folder with everybody's pipes has no other way to it.
    expect((await run(`${names}; ls -d /dev/shm/* /proc/*/fd/9 2>/dev/null; true`)).rest).toBe("");
  });

  it("serve one run each where what runs could look into their first process", async () => {
    await using apart = processRuntimeHarness({ mode: "auto" });
    const before = await runIn(apart, names);
    expect((await runIn(apart, names)).sandbox).toBe(before.sandbox);
    // As the setting fs.suid_dumpable would.
    const root = join(viewFolder({ installation: apart.installation, stateFolder: apart.options.stateFolder }), "root-0");
    const opens = 'mount -o remount,rw "$1" && chmod 0755 "$1/opt/backlot/node/gate/sh" && mount -o remount,ro,nosuid,nodev "$1"';
    const launcher = parentOf(gates(apart.installation)[0] ?? 0);
    await mustRun([findProgram("nsenter") ?? "", `--mount=/proc/${launcher}/ns/mnt`, "--", "/bin/sh", "-c", opens, "sh", root]);
    const [first, second] = [await runIn(apart, names, { siteId: 44 }), await runIn(apart, names, { siteId: 44 })];
    expect([first.exit.code, second.exit.code]).toEqual([0, 0]);
    expect(second.sandbox).not.toBe(first.sandbox);
  });

  it("end with a run after which another process stands in their control group, whoever started that", async () => {
    await using apart = processRuntimeHarness({ mode: "auto" });
    const before = await runIn(apart, names);
    const mounts = findCgroupHome(readFileSync("/proc/self/mounts", "utf8"), readFileSync("/proc/self/cgroup", "utf8"))?.folders.pids ?? [];
    const group = /^\d+:pids:(.*)$/m.exec(readFileSync(`/proc/${gates(apart.installation)[0]}/cgroup`, "utf8"))?.[1] ?? "";
    const stranger = spawn("sleep", ["600"]);
    const gone = once(stranger, "exit");
    try {
      writeFileSync(join(mounts.at(-1) ?? "", group, "cgroup.procs"), String(stranger.pid));
      expect((await runIn(apart, names)).sandbox).toBe(before.sandbox);
      expect((await runIn(apart, names)).sandbox).not.toBe(before.sandbox);
    } finally {
      stranger.kill("SIGKILL");
      await gone;
    }
  });

  it("tell when a program is not there, or none", async () => {
    const script = (path: string): Partial<RunRequest> => ({ command: { kind: "script", path, needsShell: false, shellArguments: null } });
    expect(await run("", script("absent.sh"))).toMatchObject({ exit: { code: 127, signal: null }, errors: expect.stringContaining("not found") });
    expect(await run("", script("."))).toMatchObject({ exit: { code: 126, signal: null }, errors: expect.stringContaining("ermission denied") });
    expect((await run(names)).exit.code).toBe(0);
  });

  it("end with a run that was told to end, or needed too much memory", async () => {
    const before = await run(names);
    const { request, printed } = await harness.run("stopped", "tells");
    const running = await harness.runtime.run({
      ...request,
      command: { kind: "command", command: "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done" },
    });
    await expect.poll(() => printed("stdout"), { timeout: 20_000 }).toBe("ready\n");
    await running.end(20_000);
    const next = await run(names);
    expect(next.sandbox).not.toBe(before.sandbox);
    // What has ended long ago is told to end: no later run hears of it.
    const late = await harness.run("late", "tells");
    const ended = await harness.runtime.run({ ...late.request, command: { kind: "command", command: "true" } });
    await ended.exited;
    const going = run(`${names}; sleep 0.3; echo whole`);
    await ended.end(0);
    expect(await going).toMatchObject({ sandbox: next.sandbox, rest: "whole\n" });
    const hungry = "node -e 'const a=[]; for(;;) a.push(Buffer.alloc(5e6,1))' & wait; true";
    await run(`${names}; ${hungry}`);
    const last = await run(names);
    expect(last.sandbox).not.toBe(next.sandbox);
  });
});

it.skipIf(missing !== null)(titled("does without them where the kernel lets nobody look into a sandbox", missing), { timeout: 180_000 }, async () => {
  await using harness = processRuntimeHarness({ mode: "auto" });
  const { stateFolder, sitesFolder, installation, home } = harness.options;
  if (home === undefined || installation === undefined) throw new Error("no home");
  const order = { stateFolder, sitesFolder, installation, home, mode: "auto", sites: [], commands: [names, names], waits: "until they end" } as const;
  const ran = async (as: readonly string[]) => {
    await using host = await startHost(order, as);
    return host.report.ran;
  };
  const [first, second] = await ran(["setpriv", "--bounding-set=-sys_ptrace"]);
  expect([first?.exit.code, second?.exit.code]).toEqual([0, 0]);
  expect(second?.printed).not.toBe(first?.printed);
  const [one, two] = await ran([]);
  expect(two?.printed).toBe(one?.printed);
});

it.skipIf(missing !== null)(titled("ends a sandbox that nobody has used for a while, and all of them with the runtime", missing), async () => {
  await using harness = processRuntimeHarness({ mode: "auto", idleSandboxMs: 200 });
  const { request } = await harness.run("once", "tells");
  await (await harness.runtime.run(request)).exited;
  await expect.poll(() => gates(harness.installation), { timeout: 20_000 }).toEqual([]);
  await (await harness.runtime.run(request)).exited;
  await harness.runtime.close();
  expect(gates(harness.installation)).toEqual([]);
});

/** The gates of one installation, by the control groups that they stand in. */
function gates(installation: string): readonly number[] {
  const pids = readdirSync("/proc").filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith("/opt/backlot/node/gate/sh") &&
        readFileSync(`/proc/${pid}/cgroup`, "latin1").includes(`backlot-${installation}/`)
      );
    } catch {
      return false; // gone
    }
  });
  return pids.map(Number);
}
