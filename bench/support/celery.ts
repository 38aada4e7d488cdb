import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { TaskTimes } from "./task-load.ts";

/** Debian's own: the package python3-celery belongs to this interpreter. */
const python = "/usr/bin/python3";
const here = import.meta.dirname;

/** Celery workers on a broker. */
export interface Celery extends AsyncDisposable {
  /** Sends tasks `gapMs` apart (0: as fast as it goes) and gives the times of each when all have ended. */
  measure(request: { readonly argv: readonly string[] | null; readonly count: number; readonly gapMs: number }): Promise<readonly TaskTimes[]>;
}

/** Whether Debian's Celery is installed. */
export async function hasCelery(): Promise<boolean> {
  return promisify(execFile)(python, ["-c", "import celery"]).then(
    () => true,
    () => false,
  );
}

/** Starts workers of some processes each. */
export async function startCelery(options: { readonly amqpUrl: string; readonly workers: number; readonly concurrency: number }): Promise<Celery> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-celery-"));
  const notes = join(folder, "notes");
  await writeFile(notes, "");
  const environment = { ...process.env, BENCH_AMQP_URL: options.amqpUrl, BENCH_NOTES: notes, PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: "1" };
  const workers = Array.from({ length: options.workers }, (_, index) =>
    spawn(
      python,
      ["-m", "celery", "-A", "celery_app", "worker", "-n", `bench${index}@%h`, `--concurrency=${options.concurrency}`, "--loglevel=INFO", "--without-gossip"],
      { cwd: folder, env: environment, stdio: ["ignore", "ignore", "pipe"] },
    ),
  );
  await Promise.all(workers.map(isReady));
  const measure: Celery["measure"] = async ({ argv, count, gapMs }) => {
    await writeFile(notes, "");
    const args = [argv === null ? "nothing" : "script", String(count), String(gapMs / 1000), JSON.stringify(argv ?? []), folder];
    const { stdout } = await promisify(execFile)(python, [join(here, "celery_send.py"), ...args], { cwd: folder, env: environment, maxBuffer: 64_000_000 });
    const accepted = JSON.parse(stdout) as readonly number[];
    return timesOf(accepted, await allEnded(notes, count));
  };
  return {
    measure,
    [Symbol.asyncDispose]: async () => {
      for (const worker of workers) worker.kill("SIGTERM");
      await Promise.all(workers.map((worker) => (worker.exitCode === null && worker.signalCode === null ? once(worker, "exit") : undefined)));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function isReady(worker: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let said = "";
  worker.stderr?.on("data", (chunk: Buffer) => {
    said = `${said}${chunk.toString("utf8")}`.slice(-20_000);
    if (said.includes(" ready.")) resolve();
  });
  worker.once("exit", (code) => reject(new Error(`Celery ended with ${code}: ${said}`)));
  await promise;
}

async function allEnded(notes: string, count: number): Promise<string> {
  const deadline = Date.now() + 300_000;
  for (;;) {
    const text = await readFile(notes, "utf8");
    if ((text.match(/^ended /gm)?.length ?? 0) >= count) return text;
    if (Date.now() > deadline) throw new Error("Celery did not end its tasks");
    await delay(20);
  }
}

function timesOf(accepted: readonly number[], notes: string): readonly TaskTimes[] {
  const times = { started: new Map<number, number>(), ended: new Map<number, number>() };
  for (const line of notes.split("\n")) {
    const [event, number, at] = line.split(" ");
    if (event === "started" || event === "ended") times[event].set(Number(number), Number(at) / 1000);
  }
  return accepted.map((at, number) => ({ acceptedMs: at / 1000, startedMs: times.started.get(number) ?? 0, endedMs: times.ended.get(number) ?? 0 }));
}
