// What a sandbox is, as a value: the arguments of bubblewrap. Nothing here touches the machine.

import { siteDatabaseHost } from "#contract/site-database.ts";
import { egressResolverFile } from "./private-etc.ts";

/** A top-level folder of the system as programs expect it: `/bin` is a link into `/usr` on most machines, a folder on some. */
export type SystemFolder = { readonly path: string; readonly link: string } | { readonly path: string; readonly link: null };

/** What this machine has, as the launcher's mount namespace shows it. */
export interface SandboxFacts {
  readonly systemFolders: readonly SystemFolder[];
  /** The private `/etc` files of sites: `passwd`, `group`, … */
  readonly etcFolder: string;
  readonly etcFiles: readonly string[];
  readonly nodeBinary: string;
  readonly gate: string;
  /** Bubblewrap 0.8 and newer can forbid further user namespaces, which keeps much of the kernel out of a tenant's reach. */
  readonly canDisableUserNamespaces: boolean;
  /** A folder that holds all of the system that a sandbox has, with the gate and Node, read-only (`RunRoot`); without it each sandbox is put together of the above. */
  readonly root?: string;
}

/** One sandbox. */
export interface Sandbox {
  /** The site's folder as the launcher sees it; null for a sandbox without a site. */
  readonly folder: string | null;
  /** More of the machine, as the launcher sees it, and where it stands inside. */
  readonly mounts?: readonly { readonly source: string; readonly target: string; readonly isWritable: boolean }[];
  readonly workFolder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The folder of the socket of sites' databases as the launcher sees it; null for a site without a database. */
  readonly databaseFolder: string | null;
  /** False when the launcher has entered a prepared network namespace already. */
  readonly ownsNetwork: boolean;
  /** It may ask name servers. */
  readonly hasEgress: boolean;
  /**
   * A relay of an ordinary user has to enter the user namespace that owns the sandbox's network. Bubblewrap moves the program
   * on into a second one to mount terminals and to forbid further ones, so such a sandbox does without both.
   */
  readonly isEntered: boolean;
  /** Its command is its first process, and stays for several runs (`WarmSandbox`). */
  readonly isKept?: boolean;
  /** Bounds of `/tmp`; what lies there also counts as the program's memory. */
  readonly tmpBytes: number;
}

/** Where things are inside a sandbox. */
export const inside = {
  site: "/site",
  home: "/site/.home",
  /** Of runs outside of sites. */
  homeFolder: "/homedir",
  library: "/scripts",
  gate: "/opt/backlot/gate",
  /** The shell of gates that stay, which only stands in the root of runs. */
  shell: "/opt/backlot/node/gate/sh",
  node: "/opt/backlot/node/bin/node",
  path: "/opt/backlot/node/bin:/site/.home/.local/bin:/usr/local/bin:/usr/bin:/bin",
} as const;

/** Read-only parts of the machine's own `/etc` that interpreters need and that hold no secrets. */
export const sharedEtc: readonly string[] = [
  "alternatives",
  "ca-certificates",
  "ld.so.cache",
  "localtime",
  "mime.types",
  "php",
  "ssl/certs",
  "ssl/openssl.cnf",
];

/**
 * The arguments of bubblewrap, given to it through a file (`--args`) so that the site's variables and the machine's paths
 * stand in no process list. They hold no command: bubblewrap takes that from its command line only.
 */
export function sandboxArguments(sandbox: Sandbox, facts: SandboxFacts, seccompDescriptor: number | null): readonly string[] {
  const seccomp = seccompDescriptor === null ? [] : ["--seccomp", String(seccompDescriptor)];
  return [...isolation(sandbox, facts), ...seccomp, ...variables(sandbox.environment), ...mounts(sandbox, facts)];
}

function isolation(sandbox: Sandbox, facts: SandboxFacts): readonly string[] {
  return [
    "--die-with-parent",
    "--new-session",
    "--unshare-user",
    ...(facts.canDisableUserNamespaces && !sandbox.isEntered ? ["--disable-userns"] : []),
    "--unshare-pid",
    ...(sandbox.isKept === true ? ["--as-pid-1"] : []),
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    ...(sandbox.ownsNetwork ? ["--unshare-net"] : []),
    ...["--hostname", "site", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"],
  ];
}

function variables(environment: Readonly<Record<string, string>>): readonly string[] {
  return ["--clearenv", ...Object.entries(environment).flatMap(([name, value]) => ["--setenv", name, value])];
}

function mounts(sandbox: Sandbox, facts: SandboxFacts): readonly string[] {
  const bounded = (path: string, bytes: number, mode: string): readonly string[] => ["--perms", mode, "--size", String(bytes), "--tmpfs", path];
  const { root } = facts;
  const resolver = sandbox.hasEgress ? ["--ro-bind", `${facts.etcFolder}/${egressResolverFile}`, "/etc/resolv.conf"] : [];
  return [
    ...(root === undefined ? system(sandbox, facts) : ["--ro-bind", root, "/", ...resolver]),
    ...[
      "--proc",
      "/proc",
      ...(sandbox.isEntered ? devicesWithoutTerminals : ["--dev", "/dev"]),
      ...bounded("/dev/shm", sandbox.tmpBytes, "1777"),
      // Message queues are there without it as well; with it what a run has left of them can be seen.
      ...(sandbox.isKept === true ? ["--mqueue", "/dev/mqueue"] : []),
      "--remount-ro",
      "/dev",
    ],
    ...bounded("/tmp", sandbox.tmpBytes, "1777"),
    ...bounded("/run", runBytes, "0755"),
    ...(sandbox.databaseFolder === null ? [] : ["--ro-bind", sandbox.databaseFolder, siteDatabaseHost]),
    ...(root === undefined
      ? [
          ...["--perms", "0755", "--dir", "/var", "--symlink", "/tmp", "/var/tmp", "--symlink", "/run", "/var/run"],
          ...["--ro-bind", facts.gate, inside.gate, "--ro-bind", facts.nodeBinary, inside.node],
        ]
      : []),
    ...(sandbox.folder === null ? [] : ["--bind", sandbox.folder, inside.site]),
    ...(sandbox.mounts ?? []).flatMap(({ source, target, isWritable }) => [isWritable ? "--bind" : "--ro-bind", source, target]),
    // Bubblewrap's own root is a tmpfs without a bound.
    ...(root === undefined ? ["--remount-ro", "/"] : []),
    ...["--chdir", sandbox.workFolder],
  ];
}

function system(sandbox: Sandbox, facts: SandboxFacts): readonly string[] {
  const readOnly = (path: string): readonly string[] => ["--ro-bind-try", path, path];
  return [
    ...["--ro-bind", "/usr", "/usr"],
    ...facts.systemFolders.flatMap((folder) => (folder.link === null ? readOnly(folder.path) : ["--symlink", folder.link, folder.path])),
    ...["--perms", "0755", "--dir", "/etc"],
    ...sharedEtc.flatMap((name) => readOnly(`/etc/${name}`)),
    ...facts.etcFiles.flatMap((name) => {
      const source = name === "resolv.conf" && sandbox.hasEgress ? egressResolverFile : name;
      return ["--ro-bind", `${facts.etcFolder}/${source}`, `/etc/${name}`];
    }),
  ];
}

const devicesWithoutTerminals: readonly string[] = [
  ...["--perms", "0755", "--tmpfs", "/dev"],
  ...["null", "zero", "full", "random", "urandom", "tty"].flatMap((name) => ["--dev-bind", `/dev/${name}`, `/dev/${name}`]),
  ...["stdin", "stdout", "stderr"].flatMap((name, index) => ["--symlink", `/proc/self/fd/${index}`, `/dev/${name}`]),
  ...["--symlink", "/proc/self/fd", "/dev/fd"],
];

const runBytes = 1024 * 1024;
