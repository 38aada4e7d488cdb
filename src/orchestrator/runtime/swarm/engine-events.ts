import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { z } from "zod";
import type { Log } from "#kit/log.ts";
import { labels } from "./labels.ts";

const containerEvent = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
});

/** What happened to a container. */
export interface ContainerEvent {
  readonly action: "start" | "die" | "oom" | "kill";
  readonly containerId: string;
  /** Of a `die`: as shells say it, 128 + the number of the signal. */
  readonly exitCode: number;
}

/** What a start is told. */
export interface StartListener {
  onEvent(event: ContainerEvent): void;
  /** The engine is away: only the machine itself can tell what goes on. */
  onAway(): void;
  /** The engine is back, and some events may have been missed. */
  onGap(): void;
  /** Nothing more is told: whoever listened has no use for it any more. */
  onForgotten(): void;
}

const retryMs = 200;

/** One stream of an engine's events for all of our containers, told apart by the label of their start. */
export class EngineEvents {
  readonly #docker: Docker;
  readonly #installation: string;
  readonly #log: Log;
  readonly #listeners = new Map<string, StartListener>();
  #stream: Readable | null = null;
  #isClosed = false;

  private constructor(docker: Docker, options: { readonly installation: string; readonly log: Log }) {
    this.#docker = docker;
    this.#installation = options.installation;
    this.#log = options.log;
  }

  /** Resolves when the first stream is open: nothing that is started later can be missed. */
  static async open(docker: Docker, options: { readonly installation: string; readonly log: Log }): Promise<EngineEvents> {
    const events = new EngineEvents(docker, options);
    const stream = await events.#connect();
    void events.#follow(stream);
    return events;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Tells of one start until `forget`. */
  listen(start: string, listener: StartListener): void {
    this.#listeners.set(start, listener);
  }

  forget(start: string): void {
    this.#listeners.get(start)?.onForgotten();
    this.#listeners.delete(start);
  }

  close(): void {
    this.#isClosed = true;
    this.#stream?.destroy();
    for (const start of [...this.#listeners.keys()]) this.forget(start);
  }

  async #connect(): Promise<Readable> {
    const filters = { type: ["container"], event: ["start", "die", "oom", "kill"], label: [`${labels.installation}=${this.#installation}`] };
    // A Readable by what it is; the types of the library know the older interface only.
    const stream = (await this.#docker.getEvents({ filters: JSON.stringify(filters) })) as Readable;
    this.#stream = stream;
    return stream;
  }

  async #follow(first: Readable): Promise<void> {
    let stream: Readable | null = first;
    while (!this.#isClosed) {
      if (stream !== null) await this.#read(stream);
      if (this.#isClosed) return;
      await delay(retryMs);
      stream = await this.#connect().catch(() => null);
      if (stream !== null) this.#log.warn("the stream of the engine's events was opened anew");
      for (const listener of [...this.#listeners.values()]) {
        if (stream === null) listener.onAway();
        else listener.onGap();
      }
    }
    stream?.destroy();
  }

  /** Resolves when the stream has ended, however. */
  #read(stream: Readable): Promise<void> {
    let rest = "";
    stream.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") this.#tell(line);
    });
    return new Promise((resolve) => {
      stream.once("error", () => stream.destroy());
      stream.once("close", resolve);
      stream.once("end", () => stream.destroy());
    });
  }

  #tell(line: string): void {
    const { Action: action, Actor: actor } = containerEvent.parse(JSON.parse(line));
    const listener = this.#listeners.get(actor.Attributes[labels.start] ?? "");
    if (action !== "start" && action !== "die" && action !== "oom" && action !== "kill") return;
    // Other signals are told to a program, not its end.
    if (action === "kill" && !/^(9|15)$/.test(actor.Attributes.signal ?? "")) return;
    listener?.onEvent({ action, containerId: actor.ID, exitCode: Number(actor.Attributes.exitCode ?? 0) });
  }
}
