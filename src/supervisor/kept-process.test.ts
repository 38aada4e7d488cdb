import { describe, expect, it } from "vitest";
import { ConfigError } from "#kit/config.ts";
import { silentLog } from "#kit/log.ts";
import { KeptProcess, type Life, type Time } from "./kept-process.ts";

/** Time that passes only in pauses, and when the test says so. */
class FakeTime implements Time {
  ms = 0;
  readonly pauses: number[] = [];
  /** Set to let pauses last until the process is stopped. */
  isEndless = false;
  readonly now = (): number => this.ms;

  async pause(ms: number, signal: AbortSignal): Promise<void> {
    this.pauses.push(ms);
    this.ms += ms;
    if (this.isEndless && !signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  }
}

/** A program whose starts and ends the test decides. */
class FakeProgram {
  starts = 0;
  readonly #outcomes: Error[];
  #started = Promise.withResolvers<(how: string) => void>();

  /** Its first starts fail with these errors, undefined for one that succeeds. */
  constructor(outcomes: readonly (Error | undefined)[] = []) {
    this.#outcomes = outcomes.map((outcome) => outcome ?? new Error("none"));
  }

  readonly launch = async (): Promise<Life> => {
    this.starts++;
    const outcome = this.#outcomes.shift();
    if (outcome !== undefined && outcome.message !== "none") throw outcome;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#started.resolve(resolve);
    return { pid: this.starts, exited: promise, stop: async () => resolve("stopped") };
  };

  /** Ends it, as soon as it runs. */
  async end(): Promise<void> {
    const end = await this.#started.promise;
    this.#started = Promise.withResolvers();
    end("exit code 1");
  }

  /** Resolves when it runs again. */
  async running(): Promise<void> {
    await this.#started.promise;
  }
}

function keep(program: FakeProgram, time: FakeTime, isFirstStartDecisive = false): KeptProcess {
  return new KeptProcess({ name: "fake", log: silentLog(), launch: program.launch, isFirstStartDecisive, time });
}

describe("a kept process", () => {
  it("that ends soon is started again after 100 ms, later each time, at most after 5 s", async () => {
    const [program, time] = [new FakeProgram(), new FakeTime()];
    const kept = keep(program, time);
    await kept.start();
    for (let round = 0; round < 8; round++) await program.end();
    await program.running();
    expect(time.pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    await kept.stop();
  });

  it("that ran for ten seconds is started again quickly", async () => {
    const [program, time] = [new FakeProgram(), new FakeTime()];
    const kept = keep(program, time);
    await kept.start();
    await program.end();
    await program.end();
    await program.running();
    time.ms += 10_000;
    await program.end();
    await program.running();
    expect(time.pauses).toEqual([100, 200, 100]);
    await kept.stop();
  });

  it("is tried again when its first start fails, unless that is decisive", async () => {
    const [program, time] = [new FakeProgram([new Error("no"), new Error("no")]), new FakeTime()];
    const kept = keep(program, time);
    await kept.start();
    expect([program.starts, time.pauses]).toEqual([3, [100, 200]]);
    await kept.stop();

    const decisive = new FakeProgram([new Error("no database")]);
    await expect(keep(decisive, time, true).start()).rejects.toThrow("no database");
    expect(decisive.starts).toBe(1);
  });

  it("is not tried again when its settings are not usable at the first start; later it is", async () => {
    const program = new FakeProgram([new ConfigError(["wrong"])]);
    await expect(keep(program, new FakeTime()).start()).rejects.toThrow("wrong");
    expect(program.starts).toBe(1);

    const later = new FakeProgram([undefined, new ConfigError(["wrong"])]);
    const kept = keep(later, new FakeTime());
    await kept.start();
    await later.end();
    await later.running();
    expect(later.starts).toBe(3);
    await kept.stop();
  });

  it("that is stopped stays stopped, also in the pause before another start", async () => {
    const [program, time] = [new FakeProgram(), new FakeTime()];
    time.isEndless = true;
    const kept = keep(program, time);
    await kept.start();
    expect(kept.pid).toBe(1);
    await program.end();
    await expect.poll(() => time.pauses).toEqual([100]);
    await kept.stop();
    expect([program.starts, kept.pid]).toEqual([1, undefined]);
  });

  it("that is stopped before it was ready says so to whoever waits for it", async () => {
    const [program, time] = [new FakeProgram([new Error("no")]), new FakeTime()];
    time.isEndless = true;
    const kept = keep(program, time);
    const started = expect(kept.start()).rejects.toThrow("fake was stopped before it was ready");
    await kept.stop();
    await started;
  });
});
