import { createHash, hkdfSync } from "node:crypto";
import { access, chmod, lstat, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readClusterKey } from "#kit/cluster-key.ts";
import type { Log } from "#kit/log.ts";
import { writeFileAtomically } from "./atomic-file.ts";
import { KeptProcess } from "./kept-process.ts";
import { launchPostgres } from "./launch-postgres.ts";
import { fits } from "./postgres-folder.ts";
import type { SharedDoor } from "./private-postgres.ts";

/** What the server of sites' databases is made of. */
export interface SitePostgresOptions {
  /** Its own folder, never the control plane's. */
  readonly folder: string;
  /** Where sites find its socket. */
  readonly socketFolder: string;
  readonly clusterKeyFile: string;
  readonly log: Log;
}

// `sameuser`: a role opens only the database of its own name. The administrator's own line comes first.
const rules = ["local all backlot scram-sha-256", "local sameuser all scram-sha-256", "local all all reject"];

/** Sites are many and each is small; what one of them does must not take the memory or the connections of all. */
const settings = {
  max_connections: "120",
  // Whoever connects and then says nothing takes a place for no longer than this.
  authentication_timeout: "5s",
  shared_buffers: "32MB",
  work_mem: "2MB",
  hash_mem_multiplier: "1",
  temp_file_limit: "256MB",
  max_wal_size: "256MB",
  // What a program does wrong is its own to read; that the server is ready is a LOG line.
  log_min_messages: "log",
} as const;

/** When memory runs out on the machine, the kernel ends a session of a site before anything of the platform. */
const environment = { PG_OOM_ADJUST_FILE: "/proc/self/oom_score_adj", PG_OOM_ADJUST_VALUE: "600" } as const;

/** The private PostgreSQL that holds sites' databases: started when the first is made, and from then on with everything else. */
export class SitePostgres {
  readonly #options: SitePostgresOptions;
  #started: Promise<{ readonly kept: KeptProcess; readonly url: () => string }> | undefined;
  #isStopped = false;

  constructor(options: SitePostgresOptions) {
    this.#options = options;
  }

  /** Starts it in the background if a site ever had a database here. */
  async resume(): Promise<void> {
    const isMade = await access(join(this.#options.folder, "data", "PG_VERSION")).then(
      () => true,
      () => false,
    );
    if (isMade) await this.ensure();
  }

  /** The administrator's address, once it runs. One that could not start is tried again by the next call. */
  async ensure(): Promise<string> {
    if (this.#isStopped) throw new Error("Backlot is stopping");
    this.#started ??= this.#start().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return (await this.#started).url();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    // One that did not start has left nothing.
    const started = await this.#started?.catch(() => undefined);
    await started?.kept.stop();
  }

  async #start() {
    const { folder, socketFolder, clusterKeyFile, log } = this.#options;
    const shared: SharedDoor = { socketFolder, rules, password: await administratorPassword(clusterKeyFile) };
    // For the administrator's pg_dumpall, which reads passwords from such a file.
    await writeFileAtomically(join(dirname(clusterKeyFile), "site-databases.pgpass"), `*:*:*:backlot:${shared.password}\n`, 0o600);
    const { launch, url } = launchPostgres({ folder, log, settings, environment, shared });
    const kept = new KeptProcess({ name: "site-database", log, launch, isFirstStartDecisive: true });
    await kept.start();
    return { kept, url };
  }
}

/** The password of the server's administrator. Derived, so that there is no further secret to keep: whoever has the cluster key may do everything anyway. */
export async function administratorPassword(clusterKeyFile: string): Promise<string> {
  const { secret } = await readClusterKey(clusterKeyFile);
  return Buffer.from(hkdfSync("sha256", Buffer.from(secret, "base64url"), "", "backlot administrator of site databases", 32)).toString("base64url");
}

/** The folder of the socket, made at once so that the orchestrator can show it to sites: in the server's own folder unless its path is too long. */
export async function prepareSocketFolder(folder: string): Promise<string> {
  const near = join(folder, "run");
  if (fits(near)) {
    await mkdir(folder, { recursive: true, mode: 0o711 });
    await mkdir(near, { recursive: true, mode: 0o755 });
    return near;
  }
  const short = join(tmpdir(), `backlot-sites-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`);
  await mkdir(short, { mode: 0o755 }).catch(() => undefined);
  const found = await lstat(short);
  const own = process.getuid?.() ?? 0;
  // Anybody may write to /tmp: a folder that another user put there first is left alone. Root may have given it to PostgreSQL's user.
  const isOurs = found.isDirectory() && (found.uid === own || own === 0) && (found.mode & 0o022) === 0;
  const chosen = isOurs ? short : await mkdtemp(`${short}-`);
  await chmod(chosen, 0o755);
  return chosen;
}

/** Where orchestrators relay to when an administrator's own server holds sites' databases: what its address says, without the credentials. */
export function relayAddress(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { hostname, port, searchParams } = new URL(url);
  const isSocket = hostname === "" || (searchParams.get("host") ?? "").startsWith("/");
  return isSocket ? undefined : `${hostname}:${port === "" ? "5432" : port}`;
}
