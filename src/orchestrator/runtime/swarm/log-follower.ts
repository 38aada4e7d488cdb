import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import type Docker from "dockerode";
import { readProgramOutput } from "../process/program-output.ts";
import type { StartRequest } from "../site-runtime.ts";
import { type LogMoment, momentAfter, StampedFrames } from "./log-moment.ts";
import { readMultiplexed } from "./multiplexed.ts";

const retryMs = 200;
/** What is read already and not handed on yet when somebody leaves: a program that prints too fast is held up. */
const leaveMs = 500;

export interface FollowedLog {
  readonly docker: Docker;
  readonly containerId: string;
  /** What was printed before is not told again. */
  readonly since: LogMoment;
  readonly onOutput: StartRequest["onOutput"];
  /** Whether the program has ended, so that an end of its log is the end. */
  readonly hasEnded: () => boolean;
  readonly ended: Promise<unknown>;
}

/** Hands on what a container prints, by the engine's log of it. */
export class LogFollower {
  /** Resolves when the program has ended, or was left, and all of it was handed on. */
  readonly done: Promise<void>;
  readonly #log: FollowedLog;
  readonly #leaving = Promise.withResolvers<void>();
  #stream: Readable | null = null;
  #since: LogMoment;
  #isLeft = false;

  constructor(log: FollowedLog) {
    this.#log = log;
    this.#since = log.since;
    this.done = this.#follow();
  }

  /** Reads nothing more, and tells from when on the next one is to read: just after what was handed on. */
  async leave(): Promise<LogMoment> {
    this.#isLeft = true;
    this.#leaving.resolve();
    this.#stream?.destroy();
    await Promise.race([this.done, delay(leaveMs, undefined, { ref: false })]);
    return this.#since;
  }

  async #follow(): Promise<void> {
    const { hasEnded, ended, onOutput } = this.#log;
    const pipes = { stdout: new PassThrough(), stderr: new PassThrough() };
    const read = (["stdout", "stderr"] as const).map((stream) => readProgramOutput(pipes[stream], (text) => onOutput(stream, text)));
    let hasTold = false;
    while (!this.#isLeft) {
      const hadEnded = hasEnded();
      const stream = await this.#open().catch(() => null);
      if (stream !== null) {
        const frames = new StampedFrames(async (name, text, stamp) => {
          // What comes after the last word would be handed on by the next one, too.
          if (this.#isLeft) return;
          hasTold = true;
          if (!pipes[name].write(text)) await once(pipes[name], "drain");
          // Of half a line nothing is written down: the next one tells all of it.
          if (stamp !== null) this.#since = momentAfter(stamp);
        });
        await readMultiplexed(stream, (name, chunk, edges) => frames.take(name, chunk, edges)).catch(() => undefined);
      }
      // A program that had ended before we looked has nothing more to say.
      if (hadEnded) break;
      // The log ends a moment before the end of the program is told, or because the engine has gone.
      await Promise.race([ended, this.#leaving.promise, delay(retryMs)]);
      // Who comes just when a program ends may be told nothing of its log, and looks once more.
      if (hasTold && hasEnded()) break;
    }
    for (const pipe of Object.values(pipes)) pipe.end();
    await Promise.all(read);
    await turn();
  }

  async #open(): Promise<Readable> {
    const { docker, containerId } = this.#log;
    // The engine takes a moment to the billionth of a second, which is more than a number of ours holds.
    const options = { follow: true as const, stdout: true, stderr: true, timestamps: true, since: this.#since as unknown as number };
    const stream = await docker.getContainer(containerId).logs(options);
    this.#stream = stream instanceof Readable ? stream : new Readable().wrap(stream);
    if (this.#isLeft) this.#stream.destroy();
    return this.#stream;
  }
}
