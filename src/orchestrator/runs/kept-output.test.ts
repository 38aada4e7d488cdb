import { mkdtempSync, readdirSync, readFileSync, rmSync, write } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { type Append, KeptOutput, recoverOutput } from "./kept-output.ts";
import { finishedSource, growingSource, readOutput } from "./read-output.ts";

const never = new AbortController().signal;

function open(limitBytes: number, given: { readonly append?: Append } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "backlot-output-"));
  const place = { file: { root: folder, path: ["u_stdout.log"] }, parts: join(folder, "part"), limitBytes };
  const troubles: unknown[] = [];
  const output = new KeptOutput(place, { onTrouble: (error) => troubles.push(error), ...given });
  return {
    folder,
    place,
    output,
    troubles,
    text: () => readFileSync(join(folder, "u_stdout.log"), "utf8"),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

async function all(source: Parameters<typeof readOutput>[0], offset = 0) {
  return Array.fromAsync(readOutput(source, { offset, follow: false, signal: never }));
}

/** `0000000000\n0000000001\n…`: every line tells where it stands. */
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `${String(from + index).padStart(9, "0")}\n`).join("");

it("makes the file before anything is printed, and keeps a short output whole", async () => {
  using kept = open(1024);
  expect(kept.text()).toBe("");
  void kept.output.write(Buffer.from("a\n"));
  void kept.output.write(Buffer.from("b\n"));
  expect(await kept.output.finish()).toEqual({ bytes: 4, headBytes: 4, markBytes: 0, tailOffset: 4, tailBytes: 0 });
  expect(kept.text()).toBe("a\nb\n");
});

it("keeps an output of exactly its limit whole", async () => {
  using kept = open(2000);
  await kept.output.write(Buffer.from(lines(0, 200)));
  expect(await kept.output.finish()).toMatchObject({ bytes: 2000, headBytes: 1000, tailBytes: 1000, markBytes: 0 });
  expect(kept.text()).toBe(lines(0, 200));
});

it("keeps head and tail of a longer one, says how much is missing, and never takes much more of the disk", async () => {
  using kept = open(8000);
  let most = 0;
  for (let from = 0; from < 100_000; from += 1000) {
    await kept.output.write(Buffer.from(lines(from, from + 1000)));
    while (kept.output.writtenBytes < (from + 1000) * 10) await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, readdirSync(kept.folder).length);
  }
  await kept.output.finish();
  await kept.output.discardParts();
  expect(kept.text()).toBe(`${lines(0, 400)}\n[Backlot left out 992000 bytes here]\n${lines(99_600, 100_000)}`);
  expect(most).toBeLessThanOrEqual(1 + 6);
  expect(readdirSync(kept.folder)).toEqual(["u_stdout.log"]);
  const source = finishedSource(kept.place.file, kept.output.kept);
  expect(await all(source, 3990)).toEqual([
    { offset: 3990, next: 4000, text: lines(399, 400), skipped: 0 },
    { offset: 996_000, next: 1_000_000, text: lines(99_600, 100_000), skipped: 992_000 },
  ]);
  expect(await all(source, -10)).toEqual([{ offset: 999_990, next: 1_000_000, text: lines(99_999, 100_000), skipped: 0 }]);
  expect(await all(source, 1_000_000)).toEqual([]);
});

it("reads the same while it grows: head, gap, tail", async () => {
  using kept = open(8000);
  await kept.output.write(Buffer.from(lines(0, 5000)));
  while (kept.output.writtenBytes < 50_000) await new Promise((resolve) => setImmediate(resolve));
  const pieces = await all(growingSource(kept.output));
  expect(pieces[0]).toMatchObject({ offset: 0, skipped: 0 });
  const jump = pieces.find((piece) => piece.skipped > 0);
  expect(jump?.offset).toBe(4000 + (jump?.skipped ?? 0));
  const tail = pieces.filter((piece) => piece.offset >= (jump?.offset ?? 0)).map((piece) => piece.text);
  expect(lines(0, 5000).endsWith(tail.join(""))).toBe(true);
  expect(tail.join("").length).toBeGreaterThanOrEqual(4000);
  await kept.output.finish();
});

it("puts together what an orchestrator that was killed left, and again if it is killed meanwhile", async () => {
  using kept = open(8000);
  await kept.output.write(Buffer.from(lines(0, 5000)));
  while (kept.output.writtenBytes < 50_000) await new Promise((resolve) => setImmediate(resolve));
  const expected = `${lines(0, 400)}\n[Backlot left out 42000 bytes here]\n${lines(4600, 5000)}`;
  for (let round = 0; round < 2; round += 1) {
    expect(await recoverOutput(kept.place)).toMatchObject({ bytes: 50_000, headBytes: 4000, tailOffset: 46_000, tailBytes: 4000 });
    expect(kept.text()).toBe(expected);
  }
});

it("goes on without keeping anything when the disk is full, and says so once", async () => {
  const write1 = promisify(write);
  let room = 1500;
  const append: Append = async (fd, bytes) => {
    if (room === 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const fits = bytes.subarray(0, room);
    room -= fits.length;
    return write1(fd, fits);
  };
  using kept = open(100_000, { append });
  for (let count = 0; count < 100; count += 1) await kept.output.write(Buffer.from(lines(count * 10, count * 10 + 10)));
  expect(await kept.output.finish()).toMatchObject({ bytes: 10_000, headBytes: 1500, tailBytes: 0 });
  expect(kept.text()).toBe(`${lines(0, 150)}\n[Backlot left out 8500 bytes here]\n`);
  expect(kept.troubles).toHaveLength(1);
  expect(await all(finishedSource(kept.place.file, kept.output.kept), 1490)).toEqual([
    { offset: 1490, next: 1500, text: lines(149, 150), skipped: 0 },
    { offset: 10_000, next: 10_000, text: "", skipped: 8500 },
  ]);
});

it("goes on when not even the file can be made", async () => {
  const troubles: unknown[] = [];
  const place = { file: { root: "/nowhere/at", path: ["all.log"] }, parts: "/nowhere/part", limitBytes: 1024 };
  const output = new KeptOutput(place, { onTrouble: (error) => troubles.push(error) });
  void output.write(Buffer.from("lost"));
  expect(await output.finish()).toMatchObject({ bytes: 4, headBytes: 0, tailBytes: 0 });
  expect(troubles).toHaveLength(1);
});

it("halts who prints faster than the disk takes it", async () => {
  const released = Promise.withResolvers<void>();
  const append: Append = async (_fd, bytes) => {
    await released.promise;
    return { bytesWritten: bytes.length };
  };
  using kept = open(10_000_000, { append });
  expect(kept.output.write(Buffer.alloc(1000))).toBeUndefined();
  await Promise.resolve();
  const halted = kept.output.write(Buffer.alloc(300 * 1024));
  expect(halted).toBeInstanceOf(Promise);
  released.resolve();
  await halted;
});
