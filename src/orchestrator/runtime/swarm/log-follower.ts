import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { readProgramOutput } from "../process/program-output.ts";
import type { StartRequest } from "../site-runtime.ts";
import { readMultiplexed } from "./multiplexed.ts";

const retryMs = 200;

export interface FollowedLog {
  readonly docker: Docker;
  readonly containerId: string;
  /** What was printed before, in milliseconds since 1970, is not told again. */
  readonly since: number;
  readonly onOutput: StartRequest["onOutput"];
  /** Whether the program has ended, so that an end of its log is the end. */
  readonly hasEnded: () => boolean;
  readonly ended: Promise<unknown>;
}

/** Hands on what a container prints, by the engine's log of it; resolves when the program has ended and all of it was handed on. */
export async function followLog(log: FollowedLog): Promise<void> {
  const pipes = { stdout: new PassThrough(), stderr: new PassThrough() };
  const read = (["stdout", "stderr"] as const).map((stream) => readProgramOutput(pipes[stream], (text) => log.onOutput(stream, text)));
  let since = log.since;
  let hasTold = false;
  while (true) {
    const hadEnded = log.hasEnded();
    const stream = await open(log, since).catch(() => null);
    if (stream !== null) {
      await readMultiplexed(stream, async (name, chunk) => {
        hasTold = true;
        if (!pipes[name].write(chunk)) await once(pipes[name], "drain");
      });
    }
    // A program that had ended before we looked has nothing more to say.
    if (hadEnded) break;
    // The log ends a moment before the end of the program is told, or because the engine has gone.
    if (hasTold) since = Date.now();
    await Promise.race([log.ended, delay(retryMs)]);
    // Who comes just when a program ends may be told nothing of its log, and looks once more.
    if (hasTold && log.hasEnded()) break;
  }
  for (const pipe of Object.values(pipes)) pipe.end();
  await Promise.all(read);
}

async function open({ docker, containerId }: FollowedLog, since: number): Promise<Readable> {
  const options = { follow: true as const, stdout: true, stderr: true, since: since / 1000 };
  const stream = await docker.getContainer(containerId).logs(options);
  return stream instanceof Readable ? stream : new Readable().wrap(stream);
}
