// The one executable: chooses what runs, hands out the environment, and ends the process in order.
import { flushCompileCache } from "node:module";
import { ConfigError, parseConfig } from "#kit/config.ts";
import { type Environment, type RunningService, supervisedFlag } from "#kit/lifecycle.ts";
import { createLog, type Log } from "#kit/log.ts";
import { withOriginalNames } from "./original-names.ts";
import { configSchema } from "./process-config.ts";
import { isServiceName, type ServiceName, services } from "./services.ts";
import { type ChildMessage, unusableSettingsExitCode } from "./supervisor/child-protocol.ts";

/** The supervisor's own children get less; what has not ended by then is abandoned. */
const stopWithinMs = 5000;

exitWithParent();
await main(process.argv.slice(2), process.env);

async function main(args: readonly string[], given: Environment): Promise<void> {
  try {
    const { environment, notices } = withOriginalNames(given);
    const settings = parseConfig(configSchema, environment);
    const names = chosenServices(args, settings.BACKLOT_PROCESSES);
    const level = settings.BACKLOT_LOG_LEVEL ?? (process.stdout.isTTY ? "warn" : "info");
    const logs = new Map(names.map((name) => [name, createLog({ process: name, level, folder: settings.BACKLOT_LOG_FOLDER })]));
    const [log] = logs.values();
    for (const notice of notices) log?.warn({ notice }, "setting without effect");
    await run(logs, environment, args.includes(supervisedFlag));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`Backlot cannot start:\n${error.problems.map((problem) => `  ${problem}\n`).join("")}`);
    process.exit(unusableSettingsExitCode);
  }
}

function chosenServices(args: readonly string[], processes: string | undefined): readonly ServiceName[] {
  const [command, list] = args;
  if (command === "start" && processes === undefined) return ["supervisor"];
  const asked = command === "run" && list !== undefined && !list.startsWith("-") ? list : processes;
  const names = (asked ?? "").split(",").flatMap((name) => name.trim() || []);
  const known = Object.keys(services).join(", ");
  const unknown = names.filter((name) => !isServiceName(name));
  if (unknown.length > 0) throw new ConfigError([`"${unknown.join(", ")}" is nothing that can run; choose some of: ${known}`]);
  if (names.length === 0) throw new ConfigError([`Say what to run, for example: backlot run manager,worker. There are: ${known}`]);
  return names.filter(isServiceName);
}

async function run(logs: ReadonlyMap<ServiceName, Log>, environment: Environment, isSupervised: boolean): Promise<void> {
  const [log] = logs.values();
  if (log === undefined) return;
  process.on("uncaughtException", (err, origin) => {
    log.fatal({ err, origin }, "unexpected error");
    process.exit(1);
  });
  const running: RunningService[] = [];
  const starting = new AbortController();
  const started = Promise.allSettled(
    [...logs].map(async ([name, serviceLog]) => {
      const start = await services[name]();
      running.push(await start(environment, serviceLog, starting.signal));
    }),
  );
  endOnSignal(log, async () => {
    starting.abort(new Error("asked to end"));
    await started;
    await Promise.all(running.map((service) => service.stop()));
  });
  const failures = (await started).flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (starting.signal.aborted) return;
  if (failures.length === 0) {
    log.info({ services: [...logs.keys()] }, "ready");
    return announce(running, isSupervised);
  }
  await Promise.all(running.map((service) => service.stop()));
  refuse(log, failures);
}

function refuse(log: Log, failures: readonly unknown[]): never {
  const problems = failures.flatMap((failure) => (failure instanceof ConfigError ? failure.problems : []));
  if (problems.length > 0) throw new ConfigError(problems);
  for (const err of failures) log.fatal({ err }, "cannot start");
  process.exit(1);
}

function announce(running: readonly RunningService[], isSupervised: boolean): void {
  const doors: Record<string, string> = Object.assign({}, ...running.map((service) => service.doors));
  const notices = running.flatMap((service) => service.notices ?? []);
  const ready: ChildMessage = { type: "ready", doors, notices };
  if (isSupervised) process.send?.(ready);
  else process.stdout.write(notices.map((notice) => `${notice}\n`).join(""));
  // Now rather than at exit: a process that is killed would compile everything again at the next start.
  flushCompileCache();
}

function endOnSignal(log: Log, stop: () => Promise<void>): void {
  let isStopping = false;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    log.info({ signal }, "stopping");
    setTimeout(() => {
      log.error({ afterMs: stopWithinMs }, "did not stop in time");
      process.exit(1);
    }, stopWithinMs).unref();
    await stop();
    log.info("stopped");
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, (name) => void end(name));
}

// A process that was started by another one (the supervisor, or bin/backlot.mjs under an old Node) has nobody to work for without it.
function exitWithParent(): void {
  if (process.send === undefined) return;
  process.on("disconnect", () => process.exit(1));
  if (!process.connected) process.exit(1);
}
