import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { migrate } from "#db/migrate.ts";
import { silentLog } from "#kit/log.ts";
import { findPostgresPrograms } from "#supervisor/postgres-programs.ts";
import { startPrivatePostgres } from "#supervisor/private-postgres.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const kept = join(checkout, "node_modules/.cache/test-clusters");
/** What decides how a first start leaves the files: a change of any of it makes new ones. */
const sources = ["src/db/migrate.ts", "src/db/migrations", "src/supervisor/postgres-folder.ts", "src/supervisor/private-postgres.ts"];
let made: Promise<string> | undefined;

/**
 * Puts a database without any rows where a Backlot looks for its own. Making it anew (initdb and all migrations) is a fifth of the work of
 * a start; those tests whose subject is a first start have it made there.
 */
export async function placeDatabase(data: string): Promise<void> {
  made ??= cluster();
  await promisify(execFile)("cp", ["--archive", "--reflink=auto", await made, join(data, "postgres")]);
}

/** A folder with the files of a server that was stopped in order. */
async function cluster(): Promise<string> {
  await mkdir(kept, { recursive: true });
  const name = await fingerprint();
  const folder = join(kept, name);
  if (await isThere(folder)) return folder;
  // Test files begin together: each makes its own, as it would without this, and the first to be ready is kept.
  const making = await mkdtemp(join(kept, "making-"));
  const place = join(making, "postgres");
  const server = await startPrivatePostgres({ folder: place, log: silentLog(), settings: { fsync: "off" } });
  try {
    await migrate({ url: server.url, log: silentLog() });
  } finally {
    await server.stop();
  }
  await promisify(execFile)("sync", ["--file-system", place]);
  await rename(place, folder).catch(async (error: unknown) => {
    if (!(await isThere(folder))) throw error;
  });
  await rm(making, { recursive: true, force: true });
  await removeOthers(name);
  return folder;
}

async function fingerprint(): Promise<string> {
  const hash = createHash("sha256").update(`${process.getuid?.()} ${JSON.stringify(await findPostgresPrograms())}`);
  for (const source of sources) {
    const path = join(checkout, source);
    const files = (await stat(path)).isDirectory() ? (await readdir(path)).sort().map((name) => join(path, name)) : [path];
    for (const file of files) hash.update(await readFile(file));
  }
  return hash.digest("hex").slice(0, 16);
}

// Of other versions; one that is being made is younger than this.
async function removeOthers(name: string): Promise<void> {
  for (const other of await readdir(kept)) {
    const info = await stat(join(kept, other)).catch(() => null);
    const isOld = info !== null && Date.now() - info.mtimeMs > 3_600_000;
    if (other !== name && isOld) await rm(join(kept, other), { recursive: true, force: true });
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
