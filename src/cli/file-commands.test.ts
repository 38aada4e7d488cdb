import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type FakeManager, fakeToken, RawReply, startFakeManager } from "../../test/support/cli-fake-manager.ts";
import { type FakeTerminal, fakeTerminal } from "../../test/support/cli-fake-terminal.ts";
import { titled, whyNotRoot } from "../../test/support/needs.ts";
import { runCli } from "./main.ts";

const notRoot = whyNotRoot();
let home: string;
let manager: FakeManager;
let stored: Buffer;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "backlot-cli-"));
  stored = Buffer.from("old");
  manager = await startFakeManager({
    "files.write": ({ bytes }) => {
      stored = bytes;
      return new RawReply("", { status: 204 });
    },
    "files.read": () => new RawReply(stored),
  });
});
afterEach(async () => {
  await manager[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

async function run(argv: readonly string[], terminal: FakeTerminal = fakeTerminal()) {
  const exitCode = await runCli(argv, { HOME: home, BACKLOT_SERVER: manager.url, BACKLOT_TOKEN: fakeToken }, terminal);
  return { exitCode, out: terminal.outText(), err: terminal.errText() };
}

test("files are put, listed, fetched and deleted", async () => {
  manager.handlers["files.write"] = ({ bytes, params }) => {
    expect(params["*"]).toBe("public/a b.txt");
    stored = bytes;
    return new RawReply("", { status: 201 });
  };
  const entry = { name: "a b.txt", type: "file", size: 3, modifiedAt: "2025-01-02T03:04:05.000Z", executable: false };
  manager.handlers["files.read"] = ({ params }) => (params["*"] === "public/" ? new RawReply(JSON.stringify({ entries: [entry] })) : new RawReply(stored));
  manager.handlers["files.delete"] = () => undefined;
  const local = join(home, "a b.txt");
  await writeFile(local, Buffer.from([0, 255, 10]));
  expect((await run(["files", "put", "demo", local, "public/"])).out).toBe("public/a b.txt written.\n");
  expect((await run(["files", "ls", "demo", "public"])).out).toBe("3 B  2025-01-02T03:04:05.000Z  a b.txt\n");
  const terminal = fakeTerminal();
  await run(["files", "get", "demo", "public/a b.txt"], terminal);
  expect(terminal.outBytes()).toEqual(Buffer.from([0, 255, 10]));
  const copy = join(home, "copy");
  expect((await run(["files", "get", "demo", "public/a b.txt", copy])).exitCode).toBe(0);
  expect(await readFile(copy)).toEqual(Buffer.from([0, 255, 10]));
  expect((await run(["files", "put", "demo", "-", "public/a b.txt"], fakeTerminal({ piped: "piped" }))).exitCode).toBe(0);
  expect(stored.toString()).toBe("piped");
  expect((await run(["files", "rm", "demo", "public/a b.txt"])).exitCode).toBe(0);
});

test("a path that would climb out is refused before anything is asked", async () => {
  expect((await run(["files", "get", "demo", "../other/secret"])).err).toContain("`.` and `..` are not allowed in it");
  expect(manager.asked).toEqual([]);
});

test("a listing that is not whole says so", async () => {
  const entry = { name: "a", type: "file", size: 3, modifiedAt: "2025-01-02T03:04:05.000Z", executable: false };
  manager.handlers["files.read"] = () => new RawReply(JSON.stringify({ entries: [entry], truncated: true }));
  const { out, err } = await run(["files", "ls", "demo"]);
  expect({ out, err }).toEqual({ out: "3 B  2025-01-02T03:04:05.000Z  a\n", err: "There are more entries in this folder than are listed.\n" });
  expect(JSON.parse((await run(["files", "ls", "demo", "--json"])).out)).toEqual({ entries: [entry], truncated: true });
});

test("a name with control characters does not drive the terminal", async () => {
  const entry = { name: "a\u001b[2J", type: "link", size: 3, modifiedAt: "2025-01-02T03:04:05.000Z", executable: false, target: "\u009b1m" };
  manager.handlers["files.read"] = () => new RawReply(JSON.stringify({ entries: [entry] }));
  expect((await run(["files", "ls", "demo"])).out).toBe("link  2025-01-02T03:04:05.000Z  a\ufffd[2J -> \ufffd1m\n");
});

describe("files put", () => {
  test("sends what comes out of a pipe", async () => {
    const pipe = join(home, "pipe");
    execFileSync("mkfifo", [pipe]);
    const writer = spawn("sh", ["-c", 'printf "%s" "new content" > "$0"', pipe]);
    onTestFinished(() => void writer.kill());
    const ended = once(writer, "exit");
    expect(await run(["files", "put", "demo", pipe, "a.txt"])).toMatchObject({ exitCode: 0, out: "a.txt replaced.\n" });
    await ended;
    expect(stored.toString()).toBe("new content");
  });

  test("sends a file of /proc, which says that it is empty", async () => {
    expect((await run(["files", "put", "demo", "/proc/self/comm", "a.txt"])).exitCode).toBe(0);
    expect(stored.toString()).toBe(await readFile("/proc/self/comm", "utf8"));
  });

  test("sends a file that is empty", async () => {
    await writeFile(join(home, "empty"), "");
    expect((await run(["files", "put", "demo", join(home, "empty"), "a.txt"])).exitCode).toBe(0);
    expect(stored).toHaveLength(0);
  });

  test("says of a measured file how long it is, so that the server can refuse it at once", async () => {
    let length: string | undefined;
    manager.handlers["files.write"] = ({ headers }) => {
      length = headers["content-length"];
      return new RawReply("", { status: 204 });
    };
    await writeFile(join(home, "a"), "12345");
    await run(["files", "put", "demo", join(home, "a"), "a.txt"]);
    expect(length).toBe("5");
  });

  test("a file that is not there, and one that cannot be read to its end, leave the site alone", async () => {
    const missing = join(home, "missing");
    expect(await run(["files", "put", "demo", missing, "a.txt"])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining(`error: ${missing} cannot be read: ENOENT`),
    });
    // Opens, and fails at the first read.
    const { exitCode, err } = await run(["files", "put", "demo", "/proc/self/mem", "a.txt"]);
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringContaining("error: /proc/self/mem cannot be read: EIO") });
    expect(stored.toString()).toBe("old");
  });

  test("a file that changes while it is sent is told as that, not as a server that is away", async () => {
    const path = join(home, "grows");
    // More than the connection takes at once.
    await writeFile(path, Buffer.alloc(30_000_000));
    manager.handlers["files.write"] = () => new RawReply("", { status: 204 });
    const putting = run(["files", "put", "demo", path, "a.txt"]);
    await expect.poll(() => manager.asked, { interval: 1 }).toEqual(["files.write"]);
    await writeFile(path, "short now");
    expect(await putting).toMatchObject({ exitCode: 1, err: expect.stringContaining(`${path} changed while it was being read`) });
  });
});

describe("files get", () => {
  const get = (to: string) => run(["files", "get", "demo", "a.txt", to]);

  test("keeps the permissions of the file that it replaces, and leaves no draft", async () => {
    const copy = join(home, "copy");
    await writeFile(copy, "before");
    for (const mode of [0o600, 0o666, 0o755]) {
      await chmod(copy, mode);
      expect((await get(copy)).exitCode).toBe(0);
      expect((await stat(copy)).mode & 0o777).toBe(mode);
    }
    expect(await readFile(copy, "utf8")).toBe("old");
    expect(await readdir(home)).toEqual(["copy"]);
  });

  test("follows a link to the file that it names", async () => {
    await mkdir(join(home, "real"));
    await writeFile(join(home, "real", "file"), "before");
    await symlink("real/file", join(home, "link"));
    expect((await get(join(home, "link"))).exitCode).toBe(0);
    expect(await readlink(join(home, "link"))).toBe("real/file");
    expect(await readFile(join(home, "real", "file"), "utf8")).toBe("old");
    expect(await readdir(join(home, "real"))).toEqual(["file"]);
  });

  test("refuses a link to nothing before anything is asked", async () => {
    await symlink("nowhere", join(home, "link"));
    expect(await get(join(home, "link"))).toMatchObject({ exitCode: 2, err: expect.stringContaining("links to a file that is not there") });
    expect(await readlink(join(home, "link"))).toBe("nowhere");
    expect(manager.asked).toEqual([]);
  });

  test("writes into a pipe instead of replacing it", async () => {
    const pipe = join(home, "pipe");
    execFileSync("mkfifo", [pipe]);
    const reader = spawn("cat", [pipe]);
    onTestFinished(() => void reader.kill());
    const read = text(reader.stdout);
    expect(await get(pipe)).toMatchObject({ exitCode: 0, out: `${pipe} (3 B)\n` });
    expect(await read).toBe("old");
    expect((await lstat(pipe)).isFIFO()).toBe(true);
  });

  test.skipIf(notRoot !== null)(titled("writes into a device instead of replacing it", notRoot), async () => {
    const device = join(home, "null");
    execFileSync("mknod", [device, "c", "1", "3"]);
    expect((await get(device)).exitCode).toBe(0);
    expect((await lstat(device)).isCharacterDevice()).toBe(true);
    expect(await readdir(home)).toEqual(["null"]);
  });

  test("a download that is cut leaves what was there, and says that the server is away", async () => {
    const begun = async function* () {
      yield "half";
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    manager.handlers["files.read"] = () => new RawReply(begun(), { hangUp: true });
    await writeFile(join(home, "copy"), "before");
    expect((await get(join(home, "copy"))).exitCode).toBe(5);
    expect(await readFile(join(home, "copy"), "utf8")).toBe("before");
    expect(await readdir(home)).toEqual(["copy"]);
    expect((await run(["files", "get", "demo", "a.txt"])).exitCode).toBe(5);
  });

  test("a place that cannot be written is told in words", async () => {
    await writeFile(join(home, "file"), "");
    for (const to of [join(home, "no/such/folder/a"), join(home, "file/a"), "/dev/full"]) {
      expect(await get(to)).toMatchObject({ exitCode: 1, err: expect.stringContaining(`error: ${to} cannot be written: `) });
    }
  });

  test("names a file, not the site", async () => {
    expect((await run(["files", "get", "demo", "", join(home, "copy")])).exitCode).toBe(2);
    expect(await readdir(home)).toEqual([]);
  });

  test("with --json a file does not go to stdout, where one value is expected", async () => {
    expect((await run(["files", "get", "demo", "a.txt", "--json"])).exitCode).toBe(2);
    expect((await run(["files", "get", "demo", "a.txt", "-", "--json"])).exitCode).toBe(2);
  });
});
