import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Log } from "#kit/log.ts";
import { type FolderLock, holderOf, lockFolder } from "./folder-lock.ts";
import { boundCommand, choosePostgresAccount, giveTo, type PostgresAccount, postgresEnvironment } from "./postgres-account.ts";
import { awaitPredecessor, initialise, programsFor, sharedSocketFolder, socketFolderFor, writeRules } from "./postgres-folder.ts";
import { findPostgresPrograms, type PostgresPrograms } from "./postgres-programs.ts";
import { PrivatePostgresError } from "./private-postgres-error.ts";

/** What starts a private PostgreSQL. */
export interface PrivatePostgresOptions {
  /** The folder that holds the database and its socket; it is made when missing, and belongs to one server at a time. */
  readonly folder: string;
  readonly log: Log;
  /** Settings beyond the small ones that Backlot gives. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Variables beyond those that every PostgreSQL of ours gets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The servers to choose from, when not those that are found on this machine. */
  readonly installed?: readonly PostgresPrograms[];
  /** How to avoid being root, when not the first way that works. */
  readonly account?: PostgresAccount;
  /** Absent: only this user reaches the server, and needs no password. */
  readonly shared?: SharedDoor;
}

/** The door of a server that programs of other users reach as well. */
export interface SharedDoor {
  /** The folder of the socket, which others may enter; short enough for one, and nothing else stands there. */
  readonly socketFolder: string;
  /** The administrator's. It holds from the moment that the database is made. */
  readonly password: string;
  /** Who may sign in to what: lines of pg_hba.conf. */
  readonly rules: readonly string[];
}

/** How a server ended: on request, or with the last thing it said. */
export interface PostgresExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastWords: string;
}

/** A PostgreSQL server that this process started; it ends when this process does, however that happens. */
export interface PrivatePostgres {
  /** For `pg`: the administrator's address, a unix socket; with the password when the server is shared. */
  readonly url: string;
  readonly pid: number;
  readonly major: number;
  /** Settles when the server has ended; its folder can then be started again. */
  readonly exited: Promise<PostgresExit>;
  /** Ends it cleanly, within seconds even when clients hang on. */
  stop(): Promise<void>;
}

/** Recovery after a crash reads at most `max_wal_size` of log; far less than this even on a slow disk. */
const readyMs = 120_000;

/**
 * Starts a PostgreSQL server of our own, making its files on the first start.
 * @throws {PrivatePostgresError} when the folder is in use, of another version, or no server can run here.
 */
export async function startPrivatePostgres(options: PrivatePostgresOptions): Promise<PrivatePostgres> {
  const folder = await openFolder(options.folder, options.shared === undefined ? 0o700 : 0o711);
  const lock = await lockFolder(folder, "postgres");
  if (lock === null) {
    const holder = await holderOf(folder, "postgres");
    throw new PrivatePostgresError(`Another Backlot (process ${holder ?? "unknown"}) uses ${folder}. Stop it first, or set BACKLOT_DATA to another folder.`);
  }
  try {
    return await startLocked(options, folder, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Makes the folder nobody else's; its name comes back without symlinks, as the kernel tells the working folder of a process. */
async function openFolder(folder: string, mode: number): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode });
    await chmod(folder, mode);
    return await realpath(folder);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PrivatePostgresError(`The database's folder ${folder} cannot be used (${why}). Start Backlot as its owner, or set BACKLOT_DATA to another.`, {
      cause,
    });
  }
}

async function startLocked(options: PrivatePostgresOptions, folder: string, lock: FolderLock): Promise<PrivatePostgres> {
  const programs = await programsFor(folder, options.installed ?? (await findPostgresPrograms()));
  const postgres = join(programs.bin, "postgres");
  const account = await choosePostgresAccount(postgres, options.account === undefined ? undefined : [options.account]);
  await giveTo(account, folder);
  const { shared } = options;
  await initialise(folder, programs, { account, password: shared?.password ?? null });
  const data = join(folder, "data");
  const socketFolder = shared === undefined ? await socketFolderFor(folder, account) : await sharedSocketFolder(shared.socketFolder, account);
  await awaitPredecessor(data, socketFolder);

  const doorSettings = shared === undefined ? {} : await writeRules(folder, shared, account);
  const settings = Object.entries({ ...smallSettings(programs.major), ...options.settings, ...doorSettings }).flatMap(([name, value]) => [
    "-c",
    `${name}=${value}`,
  ]);
  // The list of socket folders is comma-separated unless quoted.
  const sockets = ["-c", `unix_socket_directories="${socketFolder.replaceAll('"', '""')}"`];
  const [program = "", ...args] = boundCommand(account, "QUIT", [postgres, "-D", data, ...sockets, ...settings]);
  // A session of its own: Ctrl-C in a terminal goes to the whole group, and would end the database before its users.
  const child = spawn(program, args, {
    env: { ...postgresEnvironment, ...options.environment },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
    cwd: "/",
  });
  const server = watch(child, options.log);
  const exited = server.exited.then(async (exit) => {
    if (shared === undefined && !socketFolder.startsWith(folder)) await rm(socketFolder, { recursive: true, force: true });
    await lock.release();
    return exit;
  });
  const outcome = await Promise.race([server.ready, exited, after(readyMs)]);
  if (outcome !== "ready") {
    await end(child, exited);
    const why = outcome === "timeout" ? `it was not ready after ${readyMs / 1000} s` : outcome.lastWords;
    throw new PrivatePostgresError(`PostgreSQL ${programs.major} did not start in ${folder}: ${why}`);
  }
  options.log.info({ databasePid: child.pid, major: programs.major, account: account.kind, folder }, "private database ready");
  const user = shared === undefined ? "backlot" : `backlot:${encodeURIComponent(shared.password)}`;
  const url = `postgres://${user}@localhost/postgres?host=${encodeURIComponent(socketFolder)}`;
  return { url, pid: child.pid ?? 0, major: programs.major, exited, stop: () => end(child, exited) };
}

/** Durable, and small: one machine's control plane needs no more. */
function smallSettings(major: number): Readonly<Record<string, string>> {
  return {
    listen_addresses: "",
    unix_socket_permissions: "0700",
    fsync: "on",
    synchronous_commit: "on",
    full_page_writes: "on",
    autovacuum: "on",
    autovacuum_max_workers: "1",
    max_connections: "50",
    shared_buffers: "24MB",
    work_mem: "4MB",
    maintenance_work_mem: "32MB",
    effective_cache_size: "128MB",
    wal_level: "minimal",
    max_wal_senders: "0",
    max_replication_slots: "0",
    wal_buffers: "1MB",
    min_wal_size: "32MB",
    max_wal_size: "256MB",
    jit: "off",
    huge_pages: "off",
    max_worker_processes: "2",
    max_logical_replication_workers: "0",
    max_parallel_workers: "0",
    max_parallel_workers_per_gather: "0",
    idle_in_transaction_session_timeout: "60s",
    timezone: "UTC",
    log_destination: "stderr",
    logging_collector: "off",
    log_line_prefix: "",
    log_checkpoints: "off",
    log_min_messages: "warning",
    log_min_error_statement: "panic",
    lc_messages: "C",
    // Three reader processes that a small database has no use for.
    ...(major >= 18 ? { io_method: "sync" } : {}),
  };
}

function watch(child: ChildProcess, log: Log): { readonly ready: Promise<"ready">; readonly exited: Promise<PostgresExit> } {
  const ready = Promise.withResolvers<"ready">();
  const exited = Promise.withResolvers<PostgresExit>();
  let lastWords = "it said nothing";
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on("line", (line) => {
      const { level, message } = parseLine(line);
      log[levels[level] ?? "debug"]({ databasePid: child.pid, severity: level, message }, "database says");
      if (level === "LOG" && message.startsWith("database system is ready to accept connections")) ready.resolve("ready");
      if (level === "FATAL" || level === "PANIC" || level === "") lastWords = message;
      if (level === "HINT") lastWords += ` ${message}`;
    });
  }
  child.on("error", (error) => exited.resolve({ code: null, signal: null, lastWords: error.message }));
  child.on("close", (code, signal) => exited.resolve({ code, signal, lastWords }));
  return { ready: ready.promise, exited: exited.promise };
}

// An ERROR is an answer to a client, who knows what it means (a name that is taken, say); a FATAL one ends only that client's connection.
const levels: Readonly<Record<string, "debug" | "info" | "warn" | "error">> = { WARNING: "warn", FATAL: "warn", PANIC: "error" };

function parseLine(line: string): { readonly level: string; readonly message: string } {
  const parsed = /^([A-Z]+\d?): {2}(.*)$/.exec(line);
  return parsed === null ? { level: "", message: line.trim() } : { level: parsed[1] ?? "", message: parsed[2] ?? "" };
}

/** Fast shutdown first (roll back, checkpoint), then at once, then the hard way. */
async function end(child: ChildProcess, exited: Promise<PostgresExit>): Promise<void> {
  for (const [signal, patienceMs] of [
    ["SIGINT", 10_000],
    ["SIGQUIT", 5_000],
    ["SIGKILL", 5_000],
  ] as const) {
    child.kill(signal);
    if ((await Promise.race([exited, after(patienceMs)])) !== "timeout") return;
  }
}

function after(ms: number): Promise<"timeout"> {
  return new Promise((resolve) => setTimeout(() => resolve("timeout"), ms).unref());
}
