import { execFile } from "node:child_process";
import { chown, lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PrivatePostgresError } from "./private-postgres-error.ts";

/** How PostgreSQL is run, which refuses to be root: the words before its own command line, and who then owns its files. */
export interface PostgresAccount {
  readonly kind: "self" | "namespace" | "other-user";
  readonly prefix: readonly string[];
  /** The owner that its folder needs, as this process sees it. */
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL gets nothing of the platform's environment, which holds secrets. */
export const postgresEnvironment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", TZ: "UTC" } as const;

// A signal at the parent's death is asked for after everything that changes credentials, which would clear it again.
// The parent may have died just before that: then this shell has another parent, and ends instead of starting an orphan.
const onlyWithParent = '[ "$PPID" = "$1" ] || exit 97; shift; exec "$@"';

/** A command line that runs a program under an account and sends it a signal when this process dies. */
export function boundCommand(account: PostgresAccount, signal: "QUIT" | "KILL", command: readonly string[]): readonly string[] {
  return [...account.prefix, "setpriv", `--pdeathsig=${signal}`, "sh", "-c", onlyWithParent, "sh", String(process.pid), ...command];
}

/** The first way to run PostgreSQL that works on this machine. */
export async function choosePostgresAccount(postgres: string, ways?: readonly PostgresAccount[]): Promise<PostgresAccount> {
  const reasons: string[] = [];
  for (const account of ways ?? (await possibleAccounts())) {
    const problem = await probe(account, postgres);
    if (problem === undefined) return account;
    reasons.push(`${account.kind}: ${problem}`);
  }
  throw new PrivatePostgresError(
    `PostgreSQL cannot be started here (${reasons.join("; ")}). ` +
      "Allow user namespaces, put Backlot and its data where another user can read them, start it as an ordinary user, or set DATABASE_URL.",
  );
}

/** Gives the folder and everything in it to the account, for instance when an earlier start chose another one. */
export async function giveTo(account: PostgresAccount, folder: string): Promise<void> {
  const { uid } = await lstat(folder);
  if (uid === account.uid) return;
  if (process.getuid?.() !== 0) {
    throw new PrivatePostgresError(`${folder} belongs to another user (number ${uid}). Start Backlot as that user, or give the folder to this one.`);
  }
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await giveTo(account, path);
    else if (entry.isFile()) await chown(path, account.uid, account.gid);
  }
  // The folder itself comes last: cut short, the next start begins again.
  await chown(folder, account.uid, account.gid);
}

async function possibleAccounts(): Promise<readonly PostgresAccount[]> {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  if (uid !== 0) return [{ kind: "self", prefix: [], uid, gid }];
  // In a user namespace files stay root's own, so that it works wherever the checkout and the data lie.
  const namespace = { kind: "namespace", prefix: ["unshare", "--user", "--map-user=1000", "--map-group=1000"], uid, gid } as const;
  const other = await otherUser();
  return other === undefined ? [namespace] : [namespace, other];
}

/** The account for machines that forbid user namespaces: initdb wants one that the password file knows. */
export async function otherUser(passwordFile = "/etc/passwd"): Promise<PostgresAccount | undefined> {
  const lines = (await readFile(passwordFile, "utf8").catch(() => "")).split("\n").map((line) => line.split(":"));
  const line = lines.find(([name]) => name === "postgres") ?? lines.find(([name]) => name === "nobody");
  const [uid, gid] = [Number(line?.[2]), Number(line?.[3])];
  if (line === undefined || !(uid > 0)) return undefined;
  return { kind: "other-user", prefix: ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"], uid, gid };
}

async function probe(account: PostgresAccount, postgres: string): Promise<string | undefined> {
  const [program = "", ...args] = boundCommand(account, "KILL", [postgres, "--version"]);
  try {
    await promisify(execFile)(program, args, { env: postgresEnvironment, timeout: 10_000 });
    return undefined;
  } catch (error) {
    const text = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    return text === "" ? String(error) : text;
  }
}
