import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { MapFeed } from "./map-feed.ts";
import { parseTargetCounts } from "./target-counts.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "backlot-map-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** HAProxy's side of the socket: what its map holds. */
class FakeHaproxy {
  map = new Map<string, string>();
  #next = new Map<string, string>();
  readonly commands: string[] = [];
  failures = 0;

  readonly send = async (command: string): Promise<string> => {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error("connection refused");
    }
    this.commands.push(command);
    if (command.startsWith("prepare")) {
      this.#next = new Map();
      return "New version created: 1\n";
    }
    if (command.startsWith("commit")) this.map = this.#next;
    const [head = "", ...lines] = command.split("\n");
    const into = head.includes("@1") ? this.#next : this.map;
    if (head.startsWith("add")) for (const line of lines.filter((text) => text !== "")) into.set(...(line.split(" ") as [string, string]));
    else for (const change of head.split(";")) this.#change(change.split(" "));
    return "\n";
  };

  #change([verb, , , host = "", value = ""]: readonly string[]): void {
    if (verb === "del") this.map.delete(host);
    if (verb === "set") this.map.set(host, value);
  }
}

const feedOf = (haproxy: FakeHaproxy): MapFeed => new MapFeed({ send: haproxy.send, file: path.join(folder, "map"), log: silentLog() });

test("a HAProxy that comes up is told everything at once, and afterwards only what changes, many changes together", async () => {
  const haproxy = new FakeHaproxy();
  haproxy.map.set("stale", "x");
  const feed = feedOf(haproxy);
  for (let index = 0; index < 1000; index += 1) feed.set(`host-${index}.localhost`, "static|0001");
  feed.refill();
  await feed.settled();
  expect([haproxy.map.size, haproxy.map.has("stale")]).toEqual([1000, false]);
  expect(haproxy.commands.every((command) => command.length < 13_000)).toBe(true);
  haproxy.commands.length = 0;
  feed.set("host-1.localhost", "static|0002");
  feed.set("host-2.localhost", null);
  feed.set("new.localhost", "static|0003");
  feed.set("host-3.localhost", "static|0001");
  await feed.settled();
  const file = path.join(folder, "map");
  expect(haproxy.commands).toEqual([
    `set map ${file} host-1.localhost static|0002;del map ${file} host-2.localhost`,
    `add map ${file} <<\nnew.localhost static|0003\n`,
  ]);
  expect(await readFile(file, "utf8")).not.toContain("host-2.localhost");
  await feed.stop();
});

test("while HAProxy does not answer nothing is settled; when it is dead everything is", async () => {
  const haproxy = new FakeHaproxy();
  const feed = feedOf(haproxy);
  feed.refill();
  await feed.settled();
  feed.lost(false);
  feed.set("a.localhost", "static|0001");
  let isSettled = false;
  const settled = feed.settled().then(() => {
    isSettled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isSettled).toBe(false);
  feed.lost(true);
  await settled;
  feed.refill();
  await feed.settled();
  expect([...haproxy.map]).toEqual([["a.localhost", "static|0001"]]);
  await feed.stop();
});

test("a change that fails is made good by telling all anew", async () => {
  const haproxy = new FakeHaproxy();
  const feed = feedOf(haproxy);
  feed.refill();
  feed.set("a.localhost", "static|0001");
  await feed.settled();
  haproxy.failures = 2;
  feed.set("b.localhost", "static|0002");
  await feed.settled();
  expect([...haproxy.map.keys()]).toEqual(["a.localhost", "b.localhost"]);
  await feed.stop();
});

test("HAProxy's counters are read, and anything else is no answer", () => {
  const text =
    "# table: targets_table, type: string, size:20480, used:2\n0x1: key=10.77.0.3:80 use=1 exp=0 conn_cur=2 http_req_cnt=9\n0x2: key=b use=0 exp=5 conn_cur=0 http_req_cnt=1\n";
  expect([...parseTargetCounts(text)]).toEqual([
    ["10.77.0.3:80", { underWay: 2, requests: 9 }],
    ["b", { underWay: 0, requests: 1 }],
  ]);
  expect(() => parseTargetCounts("No such table\n")).toThrow("No such table");
});

test("ten thousand routes are told anew by some sixty commands, each of which HAProxy can hold: what that costs is a fraction of the second it may take", async () => {
  const haproxy = new FakeHaproxy();
  const feed = feedOf(haproxy);
  const count = 10_000;
  for (let index = 0; index < count; index += 1) feed.set(`a-site-of-someone-${index}.example.org`, `live|10.77.12.34|8080|2097152|10.77.12.34:8080|${index}`);
  feed.refill();
  await feed.settled();
  expect(haproxy.map.size).toBe(count);
  expect(haproxy.commands.length).toBeLessThan(100);
  expect(Math.max(...haproxy.commands.map((command) => command.length))).toBeLessThan(16_000);
  await feed.stop();
});
