import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { KeptOutput } from "./kept-output.ts";
import { growingSource, readOutput } from "./read-output.ts";
import { wholeCharacters } from "./whole-characters.ts";

function open(limitBytes = 100_000) {
  const folder = mkdtempSync(join(tmpdir(), "backlot-read-"));
  const output = new KeptOutput({ file: { root: folder, path: ["log"] }, parts: join(folder, "part"), limitBytes }, { onTrouble: () => undefined });
  return { output, source: growingSource(output), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

it("follows from any offset until the run ends, and resumes where it left off without losing or doubling a byte", async () => {
  using made = open();
  const signal = new AbortController();
  const text = Array.from({ length: 300 }, (_, index) => `Zeile ${index} für 🙂 \n`).join("");
  const bytes = Buffer.from(text);
  const printing = (async () => {
    // In pieces that cut characters.
    for (let at = 0; at < bytes.length; at += 7) {
      await made.output.write(bytes.subarray(at, at + 7));
      if (at % 70 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await made.output.finish();
  })();
  let got = "";
  let next = 0;
  // Breaks off after every third piece and comes back.
  for (let isOver = false; !isOver; ) {
    let pieces = 0;
    isOver = true;
    for await (const piece of readOutput(made.source, { offset: next, follow: true, signal: signal.signal })) {
      expect(piece).toMatchObject({ offset: next, skipped: 0 });
      expect(piece.text).not.toContain("\ufffd");
      got += piece.text;
      next = piece.next;
      pieces += 1;
      if (pieces === 3) {
        isOver = false;
        break;
      }
    }
  }
  await printing;
  expect(got).toBe(text);
  expect(next).toBe(bytes.length);
});

it("begins with a whole character when it is asked to begin inside of one", async () => {
  using made = open();
  await made.output.write(Buffer.from("a🙂b"));
  await made.output.finish();
  const pieces = await Array.fromAsync(readOutput(made.source, { offset: -3, follow: false, signal: new AbortController().signal }));
  expect(pieces).toEqual([{ offset: 5, next: 6, text: "b", skipped: 0 }]);
});

it("gives what is no text, and a character that never ends, as well as it can", async () => {
  using made = open();
  await made.output.write(Buffer.from([0x80, 0xff, 0x61, 0xf0, 0x9f]));
  await made.output.finish();
  const pieces = await Array.fromAsync(readOutput(made.source, { offset: 0, follow: true, signal: new AbortController().signal }));
  expect(pieces).toEqual([{ offset: 0, next: 5, text: "\ufffd\ufffda\ufffd", skipped: 0 }]);
});

it("stops following when the reader leaves", async () => {
  using made = open();
  const leaving = new AbortController();
  const reading = Array.fromAsync(readOutput(made.source, { offset: 0, follow: true, signal: leaving.signal }));
  setImmediate(() => leaving.abort());
  expect(await reading).toEqual([]);
  await made.output.finish();
});

it("finds where the last whole character ends", () => {
  const euro = Buffer.from("€");
  expect([wholeCharacters(euro), wholeCharacters(euro.subarray(0, 2)), wholeCharacters(euro.subarray(0, 1))]).toEqual([3, 0, 0]);
  expect(wholeCharacters(Buffer.from([0x61, 0xc3]))).toBe(1);
  expect(wholeCharacters(Buffer.from([0x80, 0x80, 0x80, 0x80]))).toBe(4);
  expect(wholeCharacters(Buffer.from([0xff]))).toBe(1);
});
