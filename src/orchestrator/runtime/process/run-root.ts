import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Log } from "#kit/log.ts";
import type { MountView } from "./mount-view.ts";
import { runCommand } from "./run-command.ts";
import { inside, type SandboxFacts, sharedEtc } from "./sandbox-command.ts";

/** What making the root of runs needs. */
export interface RunRootPlace {
  readonly view: MountView;
  /** Two folders to mount it at, by turns, in the launchers' mount namespace only. */
  readonly folders: readonly [string, string];
  readonly facts: SandboxFacts;
  readonly programs: { readonly nsenter: string; readonly shell: string };
  readonly log: Log;
}

/** A root that stands; its number tells it from an earlier one at the same place. */
export interface MadeRoot {
  readonly folder: string;
  readonly number: number;
}

/** Of the machine's `/etc`: folders are shown as they are, files are copied, since a package that replaces one gives the name to another file. */
const copied = sharedEtc.filter((name) => !["alternatives", "ca-certificates", "php", "ssl/certs"].includes(name));

/** What gates are texts for. */
const shell = "/bin/sh";

/**
 * A root that stands ready for runs: what each sandbox has of the system, mounted once instead of piece by piece in each (twenty mounts take
 * longer than everything else that bubblewrap does). Read-only, and of the launchers' mount namespace alone.
 */
export class RunRoot {
  readonly #place: RunRootPlace;
  #made: { readonly stamp: string; readonly root: Promise<MadeRoot | null> } | null = null;
  #count = 0;

  constructor(place: RunRootPlace) {
    this.#place = place;
  }

  /** What to take for `/`; null where none can be made, and everything has to be mounted for each run. Made anew when the machine's own files have changed. */
  made(): Promise<MadeRoot | null> {
    const { view } = this.#place;
    if (view.namespace === null) return Promise.resolve(null);
    const stamp = [shell, ...copied.map((name) => join("/etc", name))].map(stampOf).join(" ");
    if (this.#made?.stamp !== stamp) this.#made = { stamp, root: this.#make(view.namespace) };
    return this.#made.root;
  }

  async #make(namespace: string): Promise<MadeRoot | null> {
    const { folders, facts, programs, log } = this.#place;
    // Not in place of the last one: a sandbox may be about to take that.
    const folder = folders[this.#count % 2] ?? folders[0];
    this.#count += 1;
    const number = this.#count;
    mkdirSync(folder, { recursive: true });
    const { code, stderr } = await runCommand([programs.nsenter, `--mount=${namespace}`, "--", programs.shell, "-euc", scriptOf(facts), "root", folder]);
    if (code === 0) return { folder, number };
    log.warn({ code, stderr: stderr.trim().slice(0, 500) }, "no root for runs could be made; their sandboxes are put together one by one");
    return null;
  }
}

function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "-" : `${found.ino}.${found.mtimeMs}`;
}

/** For a shell in the launchers' namespace, with the mount point as `$1`. What sandboxes have of one that was there before stays theirs. */
function scriptOf(facts: SandboxFacts): string {
  const folders = [
    "/usr",
    "/etc/ssl",
    "/proc",
    "/dev",
    "/tmp",
    "/run",
    "/var",
    inside.site,
    inside.homeFolder,
    inside.library,
    dirname(inside.node),
    dirname(inside.shell),
  ];
  const bind = (source: string, target: string): readonly string[] => [
    `mount --bind ${quoted(source)} "$1"${quoted(target)}`,
    `mount -o remount,bind,ro,nosuid,nodev "$1"${quoted(target)}`,
  ];
  const shown = sharedEtc.filter((name) => !copied.includes(name));
  return [
    'umount -l "$1" 2>/dev/null || :',
    'mount -t tmpfs -o mode=0755,size=16m,nosuid,nodev backlot-run "$1"',
    "umask 022",
    ...folders.map((path) => `mkdir -p "$1"${quoted(path)}`),
    ...facts.systemFolders.map(({ path, link }) => (link === null ? `mkdir -p "$1"${quoted(path)}` : `ln -s ${quoted(link)} "$1"${quoted(path)}`)),
    'ln -s /tmp "$1"/var/tmp',
    'ln -s /run "$1"/var/run',
    ...copied.map((name) => `[ ! -e /etc/${name} ] || cp -Lp /etc/${name} "$1"/etc/${name}`),
    ...facts.etcFiles.map((name) => `cp ${quoted(join(facts.etcFolder, name))} "$1"/etc/${name}`),
    `cp ${quoted(facts.gate)} "$1"${inside.gate}`,
    // A tenant who can run a program but not read it sees neither the memory nor the descriptors of who runs it, not even as the same user.
    `cp -L ${shell} "$1"${inside.shell} && chmod 0711 "$1"${inside.shell}`,
    `: >"$1"${inside.node}`,
    ...shown.map((name) => `[ ! -d /etc/${name} ] || mkdir -p "$1"/etc/${name}`),
    'mount -o remount,ro,nosuid,nodev "$1"',
    ...bind("/usr", "/usr"),
    ...facts.systemFolders.flatMap(({ path, link }) => (link === null ? bind(path, path) : [])),
    ...shown.map((name) => `[ ! -d /etc/${name} ] || { ${bind(`/etc/${name}`, `/etc/${name}`).join("; ")}; }`),
    ...bind(facts.nodeBinary, inside.node),
  ].join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
