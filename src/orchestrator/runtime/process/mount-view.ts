import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { egressResolverFile, etcFiles } from "./private-etc.ts";
import { mustRun, runCommand } from "./run-command.ts";
import { spareMounts } from "./spare-mounts.ts";

/** What launchers see of the machine, and under which paths. */
export interface MountView {
  /** To be entered by the launcher; null when it shares the orchestrator's mounts. */
  readonly namespace: string | null;
  readonly etcFolder: string;
  readonly nodeBinary: string;
  readonly gate: string;
  /** The gate of programs that a nursery starts. */
  readonly nurseryGate: string;
  /** What relays where socat is not installed. */
  readonly relay: string;
  /** The folder of the socket of sites' databases; null where sites have none. */
  readonly databaseFolder: string | null;
  /** A site's folder as the launcher sees it. */
  siteFolder(folder: string): string;
  /** The home folder and the script library of the installation as the launcher sees them; null where there are none. */
  readonly home: RunFolders | null;
  close(): void;
}

/** The folders of runs that belong to no site. */
export interface RunFolders {
  readonly folder: string;
  readonly library: string;
}

/** Name in the view → our file. */
const viewPrograms = {
  gate: fileURLToPath(new URL("./gate.sh", import.meta.url)),
  "nursery-gate": fileURLToPath(new URL("./nursery-gate.sh", import.meta.url)),
  "relay.mjs": fileURLToPath(new URL("./relay-program.mjs", import.meta.url)),
};

/** For an ordinary user: the launcher is the same user and sees what the orchestrator sees. */
export function sharedView(options: {
  readonly folder: string;
  readonly nodeBinary: string;
  readonly databaseSockets: string | null;
  readonly home: RunFolders | null;
}): MountView {
  writeViewFiles(options.folder);
  const { nodeBinary, folder } = options;
  return {
    namespace: null,
    etcFolder: join(folder, "etc"),
    nodeBinary,
    gate: join(folder, "gate"),
    nurseryGate: join(folder, "nursery-gate"),
    relay: join(folder, "relay.mjs"),
    databaseFolder: options.databaseSockets,
    siteFolder: (site) => site,
    home: options.home,
    close: () => undefined,
  };
}

/**
 * For root: a launcher becomes the site's user before it makes the sandbox, and that user may not walk through the folders
 * of the platform (a checkout under /root has mode 0700). So the sites are bound below `folder`, in a mount namespace of
 * our own: nothing of it shows on the machine, and it goes with the last process or descriptor that holds it.
 */
export async function privateView(options: {
  readonly folder: string;
  readonly sitesFolder: string;
  readonly nodeBinary: string;
  readonly databaseSockets: string | null;
  readonly home: RunFolders | null;
  readonly programs: { readonly unshare: string; readonly nsenter: string; readonly mount: string; readonly cat: string };
}): Promise<MountView> {
  const { folder, programs } = options;
  writeViewFiles(folder);
  for (const name of mountPoints) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "node"), "");
  chmodSync(options.sitesFolder, statSync(options.sitesFolder).mode | 0o111);
  const holder = spawn(programs.unshare, ["--mount", "--propagation", "slave", "--", programs.cat], { env: {}, stdio: ["pipe", "pipe", "ignore"] });
  try {
    // cat answers from inside the new namespace.
    holder.stdin.write("\n");
    await Promise.race([once(holder.stdout, "data"), once(holder, "exit").then(() => Promise.reject(new Error("unshare --mount failed")))]);
    const path = `/proc/${holder.pid}/ns/mnt`;
    const bind = (source: string, name: string) => mustRun([programs.nsenter, `--mount=${path}`, "--", programs.mount, "--bind", source, join(folder, name)]);
    await bind(options.sitesFolder, "sites");
    await bind(realpathSync(options.nodeBinary), "node");
    if (options.databaseSockets !== null) await bind(options.databaseSockets, "database");
    if (options.home !== null) await bind(options.home.folder, "home");
    if (options.home !== null) await bind(options.home.library, "scripts");
    await dropSpareMounts(holder.pid ?? 0, { namespace: path, ...options });
    return viewOf(openSync(path, "r"), options);
  } finally {
    holder.stdin.end();
  }
}

/** A view without what no sandbox needs is copied faster. One that stays does no harm. */
async function dropSpareMounts(pid: number, options: { readonly namespace: string } & Parameters<typeof privateView>[0]): Promise<void> {
  const { folder, sitesFolder, databaseSockets, home, programs, namespace } = options;
  const used = [folder, sitesFolder, realpathSync(options.nodeBinary), databaseSockets, home?.folder, home?.library, ...Object.values(programs)];
  const needed = used.filter((path) => typeof path === "string");
  const points = spareMounts(readFileSync(`/proc/${pid}/mountinfo`, "utf8"), needed);
  const each = 'for at; do umount -l "$at" 2>/dev/null || :; done';
  if (points.length > 0) await runCommand([programs.nsenter, `--mount=${namespace}`, "--", "/bin/sh", "-c", each, "sh", ...points]);
}

/** Folders of the view that something is mounted on. */
const mountPoints = ["sites", "database", "home", "scripts", "root-0", "root-1"] as const;

function viewOf(
  descriptor: number,
  options: { readonly folder: string; readonly sitesFolder: string; readonly databaseSockets: string | null; readonly home: RunFolders | null },
): MountView {
  const { folder, sitesFolder } = options;
  return {
    // Through our own table of descriptors: launchers open it themselves, so that no program inherits it.
    namespace: `/proc/${process.pid}/fd/${descriptor}`,
    etcFolder: join(folder, "etc"),
    nodeBinary: join(folder, "node"),
    gate: join(folder, "gate"),
    nurseryGate: join(folder, "nursery-gate"),
    relay: join(folder, "relay.mjs"),
    databaseFolder: options.databaseSockets === null ? null : join(folder, "database"),
    home: options.home === null ? null : { folder: join(folder, "home"), library: join(folder, "scripts") },
    siteFolder: (site) => {
      const inner = relative(sitesFolder, site);
      if (inner === "" || inner.startsWith("..")) throw new Error(`the site's folder ${site} is not below ${sitesFolder}`);
      openTheWay(sitesFolder, site);
      return join(folder, "sites", inner);
    },
    close: () => {
      closeSync(descriptor);
      removeViewFiles(folder);
    },
  };
}

/** The folders between `sites` and a site belong to the platform; a site's user has to walk through them. */
function openTheWay(sitesFolder: string, site: string): void {
  for (let folder = dirname(site); folder !== sitesFolder; folder = dirname(folder)) {
    const { mode } = statSync(folder);
    if ((mode & 0o111) !== 0o111) chmodSync(folder, mode | 0o111);
  }
}

/** Removes what a view made. Never recursively: the sites' files must survive even if they should be mounted there. */
export function removeViewFiles(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of [...Object.keys(etcFiles), egressResolverFile]) rmSync(join(folder, "etc", name), { force: true });
  for (const name of [...Object.keys(viewPrograms), "node", "seccomp"]) rmSync(join(folder, name), { force: true });
  for (const name of ["etc", ...mountPoints, "."]) {
    const path = join(folder, name);
    if (existsSync(path) && readdirSync(path).length === 0) rmdirSync(path);
  }
}

function writeViewFiles(folder: string): void {
  mkdirSync(join(folder, "etc"), { recursive: true });
  for (const path of [folder, join(folder, "etc")]) chmodSync(path, 0o711);
  for (const [name, file] of Object.entries(viewPrograms)) {
    copyFileSync(file, join(folder, name));
    chmodSync(join(folder, name), 0o755);
  }
  for (const [name, text] of Object.entries(etcFiles)) {
    writeFileSync(join(folder, "etc", name), text);
    chmodSync(join(folder, "etc", name), 0o644);
  }
}
