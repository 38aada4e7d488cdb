import { PassThrough, Readable } from "node:stream";
import type Docker from "dockerode";
import { expect, it } from "vitest";
import { LogFollower } from "./log-follower.ts";
import { momentOf } from "./log-moment.ts";

/** As the engine sends it: a head with the stream's number and the length, then the moment and the text. */
function frame(line: string, at = "2026-11-22T19:33:49.000000009Z"): Buffer {
  const text = `${at} ${line}`;
  const head = Buffer.alloc(8);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** What each look at the log of a program gives, which ends after the first look; and from when on each asked. */
async function followed(...looks: readonly (Buffer | null)[]): Promise<{ readonly printed: string; readonly since: readonly string[] }> {
  const ended = Promise.withResolvers<void>();
  let hasEnded = false;
  let printed = "";
  const since: string[] = [];
  const logs = async (options: { readonly since: string }): Promise<Readable> => {
    const look = looks[since.push(options.since) - 1];
    hasEnded = true;
    ended.resolve();
    if (look === undefined || look === null) throw new Error("the engine is busy");
    return Readable.from([look]);
  };
  const docker = { getContainer: () => ({ logs }) } as unknown as Docker;
  const onOutput = (_stream: string, text: string): void => {
    printed += text;
  };
  await new LogFollower({ docker, containerId: "c", since: momentOf(5_000), onOutput, hasEnded: () => hasEnded, ended: ended.promise }).done;
  return { printed, since };
}

it("tells all that a program said that ended meanwhile, once", async () => {
  expect(await followed(frame("hello\n"), frame("hello\n"))).toEqual({ printed: "hello\n", since: ["5.000000000"] });
});

it.each([
  ["was not given the log", null],
  ["was told nothing", Buffer.alloc(0)],
])("looks once more, from the same moment on, when it %s before the program ended", async (_what, first) => {
  expect(await followed(first, frame("boom\n"))).toEqual({ printed: "boom\n", since: ["5.000000000", "5.000000000"] });
});

it("gives up when the engine gives no log of a program that has ended", async () => {
  expect(await followed(null, null, null)).toEqual({ printed: "", since: ["5.000000000", "5.000000000"] });
});

it("leaves just after the line that it has handed on last, wherever the bytes were cut", async () => {
  const [printed, ended] = [[] as string[], Promise.withResolvers<void>()];
  const bytes = Buffer.concat([frame("one\n", "2026-11-22T19:33:49.999999999Z"), frame("two\n", "2026-11-22T19:33:50.12Z")]);
  const sent = new PassThrough();
  const docker = { getContainer: () => ({ logs: async () => sent }) } as unknown as Docker;
  const onOutput = (_stream: string, text: string): void => void printed.push(text);
  const follower = new LogFollower({ docker, containerId: "c", since: momentOf(0), onOutput, hasEnded: () => false, ended: ended.promise });
  for (const byte of bytes.subarray(0, -3)) sent.write(Buffer.from([byte]));
  await expect.poll(() => printed.join("")).toBe("one\nt");
  sent.write(bytes.subarray(-3));
  await expect.poll(() => printed.join("")).toBe("one\ntwo\n");
  // Half of a line is told by the next one.
  sent.write(frame("three\n").subarray(0, -3));
  await expect.poll(() => printed.join("")).toBe("one\ntwo\nthr");
  expect(await follower.leave()).toBe("1795376030.120000001");
  await follower.done;
});
