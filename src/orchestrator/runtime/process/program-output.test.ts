import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { readProgramOutput } from "./program-output.ts";

const bounds = { bytesPerWindow: 1000, windowMs: 50, lineCharacters: 10 };
const read = (given: Partial<typeof bounds> = {}) => {
  const stream = new PassThrough({ highWaterMark: 100 });
  const texts: string[] = [];
  const done = readProgramOutput(stream, (text) => texts.push(text), { ...bounds, ...given });
  return { stream, done, all: () => texts.join("") };
};

it("puts characters together that arrive in pieces", async () => {
  const output = read();
  const bytes = Buffer.from("für 🙂\n");
  for (const byte of bytes) {
    output.stream.write(Buffer.from([byte]));
    await delay(0);
  }
  output.stream.end();
  await output.done;
  expect(output.all()).toBe("für 🙂\n");
});

it("breaks a line that is too long, and no other", async () => {
  const output = read();
  for (const text of ["0123456789\n", "01234", "56789", "ab\n", "x\n\n", "0123456789abcdefghijkl"]) {
    output.stream.write(text);
    await delay(0);
  }
  output.stream.end();
  await output.done;
  expect(output.all()).toBe("0123456789\n0123456789\nab\nx\n\n0123456789\nabcdefghij\nkl");
});

it("leaves a stream that sends too much alone until the window is over, and then takes the rest", async () => {
  const output = read({ bytesPerWindow: 300, windowMs: 200, lineCharacters: 1e6 });
  output.stream.end("x".repeat(900).match(/.{100}/g)?.[0]);
  const many = read({ bytesPerWindow: 300, windowMs: 200, lineCharacters: 1e6 });
  const startedAt = performance.now();
  for (let index = 0; index < 9; index += 1) many.stream.write("y".repeat(100));
  many.stream.end();
  await many.done;
  expect(many.all()).toHaveLength(900);
  expect(performance.now() - startedAt).toBeGreaterThan(350);
  await output.done;
  expect(output.all()).toHaveLength(100);
});
