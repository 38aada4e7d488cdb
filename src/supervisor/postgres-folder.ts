import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmod, chown, lstat, mkdir, mkdtemp, open, readdir, readFile, readlink, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { writeFileAtomically } from "./atomic-file.ts";
import { boundCommand, giveTo, type PostgresAccount, postgresEnvironment } from "./postgres-account.ts";
import type { PostgresPrograms } from "./postgres-programs.ts";
import { PrivatePostgresError } from "./private-postgres-error.ts";

const unfinished = "data.unfinished-";
/** The name of the socket in its folder: PostgreSQL builds it from the port. */
export const socketName = ".s.PGSQL.5432";
/** sockaddr_un has 108 bytes, the last of which is 0. */
const socketPathBytes = 107;
/** The previous server, told to end when its parent died, gets this long to be gone. */
const predecessorMs = 20_000;

/** The programs that fit the folder: those of the version that made it, or for a new one the preferred ones. */
export async function programsFor(folder: string, installed: readonly PostgresPrograms[]): Promise<PostgresPrograms> {
  const [preferred] = installed;
  if (preferred === undefined) {
    throw new PrivatePostgresError("No PostgreSQL was found. Run `npm ci` with optional dependencies, install Debian's postgresql, or set DATABASE_URL.");
  }
  const made = await versionOf(join(folder, "data"));
  if (made === null) return preferred;
  const fitting = installed.find((programs) => programs.major === made);
  if (fitting !== undefined) return fitting;
  const majors = installed.map((programs) => programs.major).join(" and ");
  throw new PrivatePostgresError(
    `The database in ${folder} was made by PostgreSQL ${made}, but PostgreSQL ${majors} is installed here. Install PostgreSQL ${made} beside it; ` +
      `or dump the database with the Backlot that made it (pg_dump), move ${folder} away, start this Backlot once, and restore the dump.`,
  );
}

/** Makes the database's files when there are none: in a folder beside, renamed when complete and on disk, so that a start cut short leaves nothing half made. */
export async function initialise(
  folder: string,
  programs: PostgresPrograms,
  owner: { readonly account: PostgresAccount /** Of the administrator; null lets in whoever opens the socket. */; readonly password: string | null },
): Promise<void> {
  const { account, password } = owner;
  const data = join(folder, "data");
  for (const name of await readdir(folder)) {
    // A predecessor that was killed may still be writing its last file there.
    if (name.startsWith(unfinished)) await rm(join(folder, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
  if ((await versionOf(data)) !== null) return giveTo(account, data);
  const made = join(folder, unfinished + randomBytes(4).toString("hex"));
  // initdb ends with an fsync of everything that it wrote.
  const passwordFile = join(folder, "password");
  const local = password === null ? ["--auth-local=trust"] : ["--auth-local=scram-sha-256", `--pwfile=${passwordFile}`];
  const settings = ["--username=backlot", ...local, "--auth-host=reject", "--encoding=UTF8", "--locale=C", "--data-checksums"];
  const [program = "", ...args] = boundCommand(account, "KILL", [join(programs.bin, "initdb"), `--pgdata=${made}`, ...settings]);
  try {
    if (password !== null) await writeFor(account, passwordFile, password);
    await promisify(execFile)(program, args, { env: postgresEnvironment, timeout: 120_000 });
  } catch (cause) {
    await rm(made, { recursive: true, force: true, maxRetries: 5 });
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : "";
    throw new PrivatePostgresError(`The database could not be made in ${folder}: ${said === "" ? String(cause) : said}`, { cause });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(made, data);
  const parent = await open(folder, "r");
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}

/**
 * Waits until no process works in the data folder any more, and clears what names one that is gone. Whoever calls this
 * holds the folder's lock, so what still runs was started by a predecessor that died a moment ago.
 */
export async function awaitPredecessor(data: string, socketFolder: string): Promise<void> {
  const pidFile = join(data, "postmaster.pid");
  const text = await readFile(pidFile, "utf8").catch(() => null);
  if (text === null) return;
  const deadline = Date.now() + predecessorMs;
  let remaining = await processesIn(data);
  while (remaining.length > 0) {
    if (Date.now() > deadline) {
      throw new PrivatePostgresError(`PostgreSQL (process ${remaining.join(", ")}) still works in ${data}. End it with \`kill -INT\` and start again.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    remaining = await processesIn(data);
  }
  // PostgreSQL refuses to start while any process of the same user carries the recorded number: after a reboot, or in a
  // container, that is likely somebody else by now. Nobody works in the folder, so the records say nothing.
  await rm(pidFile, { force: true });
  for (const name of [socketName, `${socketName}.lock`]) await rm(join(socketFolder, name), { force: true });
}

/** The processes whose working folder this is: every process of a PostgreSQL server works in its data folder. */
export async function processesIn(data: string): Promise<readonly number[]> {
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(numbers.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => null)));
  return numbers.filter((_, index) => folders[index] === data).map(Number);
}

/** A folder for the socket that only its owner enters: in the database's own folder, or where the path would be too long in a short one. */
export async function socketFolderFor(folder: string, account: PostgresAccount): Promise<string> {
  const near = join(folder, "run");
  if (fits(near)) {
    await mkdir(near, { recursive: true, mode: 0o700 });
    await chmod(near, 0o700);
    await giveTo(account, near);
    return near;
  }
  const base = fits(join(tmpdir(), "backlot-0123456789abcdef-XXXXXX")) ? tmpdir() : "/tmp";
  const name = join(base, `backlot-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`);
  await mkdir(name, { mode: 0o700 }).catch(() => undefined);
  const found = await lstat(name);
  const own = process.getuid?.() ?? 0;
  // Anybody may write to /tmp: a folder that another user put there first is left alone.
  const isOurs = found.isDirectory() && (found.uid === own || (own === 0 && found.uid === account.uid)) && (found.mode & 0o077) === 0;
  const short = isOurs ? name : await mkdtemp(`${name}-`);
  await giveTo(account, short);
  return short;
}

/** A folder for the socket that everyone may enter. It keeps its place: whoever has mounted it sees the next server's socket too. */
export async function sharedSocketFolder(folder: string, account: PostgresAccount): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await chmod(folder, 0o755);
  await giveTo(account, folder);
  return folder;
}

/** Writes who may sign in to what; gives the settings that make the server read it and open its socket to others. */
export async function writeRules(
  folder: string,
  shared: { readonly rules: readonly string[] },
  account: PostgresAccount,
): Promise<Readonly<Record<string, string>>> {
  const file = join(folder, "pg_hba.conf");
  await writeFor(account, file, `${shared.rules.join("\n")}\n`);
  return { hba_file: file, unix_socket_permissions: "0777", password_encryption: "scram-sha-256" };
}

async function writeFor(account: PostgresAccount, file: string, text: string): Promise<void> {
  await writeFileAtomically(file, text, 0o600);
  if (process.getuid?.() === 0) await chown(file, account.uid, account.gid);
}

/** Whether a socket of PostgreSQL may stand in this folder. */
export function fits(socketFolder: string): boolean {
  return Buffer.byteLength(join(socketFolder, socketName)) <= socketPathBytes;
}

/** The major version that made a data folder; null when there is none. */
async function versionOf(data: string): Promise<number | null> {
  try {
    return Number.parseInt(await readFile(join(data, "PG_VERSION"), "utf8"), 10);
  } catch (cause) {
    const exists = await lstat(data).then(
      () => true,
      () => false,
    );
    if (exists) throw new PrivatePostgresError(`${data} exists but is not a database that Backlot can read. Move it away, or set BACKLOT_DATA.`, { cause });
    return null;
  }
}
