import { Readable } from "node:stream";
import type Docker from "dockerode";
import { expect, it } from "vitest";
import { followLog } from "./log-follower.ts";

/** As the engine sends it: a head with the stream's number and the length, then the text. */
function frame(text: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** What each look at the log of a program gives, which ends after the first look; and from when on each asked. */
async function followed(...looks: readonly (Buffer | null)[]): Promise<{ readonly printed: string; readonly since: readonly number[] }> {
  const ended = Promise.withResolvers<void>();
  let hasEnded = false;
  let printed = "";
  const since: number[] = [];
  const logs = async (options: { readonly since: number }): Promise<Readable> => {
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
  await followLog({ docker, containerId: "c", since: 5_000, onOutput, hasEnded: () => hasEnded, ended: ended.promise });
  return { printed, since };
}

it("tells all that a program said that ended meanwhile, once", async () => {
  expect(await followed(frame("hello\n"), frame("hello\n"))).toEqual({ printed: "hello\n", since: [5] });
});

it.each([
  ["was not given the log", null],
  ["was told nothing", Buffer.alloc(0)],
])("looks once more, from the same moment on, when it %s before the program ended", async (_what, first) => {
  expect(await followed(first, frame("boom\n"))).toEqual({ printed: "boom\n", since: [5, 5] });
});

it("gives up when the engine gives no log of a program that has ended", async () => {
  expect(await followed(null, null, null)).toEqual({ printed: "", since: [5, 5] });
});
