import { beforeEach, expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import type { RemoteFiles } from "#kit/door/remote-files.ts";
import { WriteBehind, type WriteMode } from "./write-behind.ts";

let content: Buffer;
let asked: string[];
let failure: Failure | null;

async function gathered(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    if (failure !== null) throw failure;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
const grown = (size: number): Buffer => Buffer.concat([content, Buffer.alloc(Math.max(size - content.length, 0))]);

// Only what a writer asks for; like the orchestrator, it refuses a stream that begins beyond the end.
const files = {
  replace: async ({ body, signal }: { body: AsyncIterable<Uint8Array>; signal: AbortSignal }) => {
    const bytes = await gathered(body);
    signal.throwIfAborted();
    asked.push(`replace ${bytes.length}`);
    content = bytes;
  },
  patch: async ({ body }: { body: AsyncIterable<Uint8Array> }, { offset = 0, absent = false }: { offset?: number; absent?: boolean }) => {
    if (offset > content.length) throw new Failure("range_not_satisfiable");
    const bytes = await gathered(body);
    asked.push(`${absent ? "create" : "patch"} ${offset} ${bytes.length}`);
    content = grown(offset + bytes.length);
    bytes.copy(content, offset);
    return { size: content.length };
  },
  resize: async (_file: unknown, size: number) => {
    asked.push(`resize ${size}`);
    content = grown(size).subarray(0, size);
  },
} as unknown as RemoteFiles;

const writer = (mode: WriteMode, size = 0, isAppending = false): WriteBehind =>
  new WriteBehind({ files, file: { siteId: 1, path: "a" }, mode, size, isAppending });

beforeEach(() => {
  content = Buffer.alloc(0);
  asked = [];
  failure = null;
});

test("pieces in order go out in one stream, and are there once the writer is flushed", async () => {
  const behind = writer("create");
  for (let at = 0; at < 10; at += 1) await behind.write(at * 2, Buffer.from("ab"));
  expect(behind.size).toBe(20);
  await behind.flush();
  expect([asked, content.toString()]).toEqual([["create 0 20"], "ab".repeat(10)]);
});

test("pieces that come too early wait for those before them", async () => {
  const behind = writer("replace");
  for (const at of [2, 1, 0, 4, 3]) await behind.write(at * 3, Buffer.from(String(at).repeat(3)));
  await behind.flush();
  expect([asked, content.toString()]).toEqual([["replace 15"], "000111222333444"]);
});

test("a file that is opened to be emptied and never written is empty then, and a new one is there", async () => {
  content = Buffer.from("old");
  await writer("replace").flush();
  expect([asked, content.length]).toEqual([["replace 0"], 0]);
  await writer("create").flush();
  expect(asked.at(-1)).toBe("create 0 0");
});

test("writing goes on where an upload was cut off, and in the middle of what is there", async () => {
  content = Buffer.from("0123456789");
  const behind = writer("patch", 10);
  await behind.write(10, Buffer.from("ab"));
  await behind.write(12, Buffer.from("cd"));
  await behind.write(3, Buffer.from("XX"));
  await behind.write(8, Buffer.from("YY"));
  await behind.flush();
  expect(content.toString()).toBe("012XX567YYabcd");
});

test("what lies between the end and a later piece becomes zeros", async () => {
  const behind = writer("create");
  await behind.write(0, Buffer.from("a"));
  await behind.write(5, Buffer.from("b"));
  expect(behind.size).toBe(6);
  await behind.flush();
  expect([asked, [...content]]).toEqual([
    ["create 0 1", "resize 5", "patch 5 1"],
    [97, 0, 0, 0, 0, 98],
  ]);
});

test("of two pieces over each other the later one counts", async () => {
  const behind = writer("create");
  await behind.write(4, Buffer.from("AAAA"));
  await behind.write(2, Buffer.from("BBBB"));
  await behind.write(0, Buffer.from("CC"));
  await behind.flush();
  expect(content.toString()).toBe("CCBBBBAA");
});

test("who appends writes at the end, whatever the offset", async () => {
  content = Buffer.from("log\n");
  const behind = writer("patch", 4, true);
  await behind.write(0, Buffer.from("one\n"));
  await behind.write(0, Buffer.from("two\n"));
  await behind.flush();
  expect(content.toString()).toBe("log\none\ntwo\n");
});

test("what went wrong is told with the next piece and at the end, and never forgotten", async () => {
  failure = new Failure("quota_exceeded", { detail: "full" });
  const behind = writer("create");
  await behind.write(0, Buffer.from("a"));
  await expect(behind.flush()).rejects.toBe(failure);
  await expect(behind.write(1, Buffer.from("b"))).rejects.toBe(failure);
  await expect(behind.flush()).rejects.toBe(failure);
});

test("a replacement that is abandoned does not take place; what went into a new file stays", async () => {
  content = Buffer.from("old");
  const replacing = writer("replace");
  await replacing.write(0, Buffer.from("new"));
  replacing.abandon();
  const creating = writer("create");
  await creating.write(0, Buffer.from("part"));
  creating.abandon();
  await expect.poll(() => asked).toEqual(["create 0 4"]);
});

test("a stream in which nothing comes is ended, and the next piece goes on in another", async () => {
  const behind = new WriteBehind({ files, file: { siteId: 1, path: "a" }, mode: "create", size: 0, isAppending: false, restMs: 5 });
  await behind.write(0, Buffer.from("one "));
  await expect.poll(() => asked).toEqual(["create 0 4"]);
  await behind.write(4, Buffer.from("two"));
  await behind.flush();
  expect([asked, content.toString()]).toEqual([["create 0 4", "patch 4 3"], "one two"]);
});
