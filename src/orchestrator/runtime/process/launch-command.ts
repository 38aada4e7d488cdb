import { inside } from "./sandbox-command.ts";

/** Descriptors of a launch besides standard input, output and error. */
export const descriptors = { gate: 3, arguments: 4, info: 5, seccomp: 6 } as const;

/** Programs of the machine, by absolute path. */
export interface LaunchPrograms {
  readonly bwrap: string;
  readonly prlimit: string;
  readonly nsenter: string;
  /** Runs the gate inside the sandbox: `/bin/sh`, or `/bin/bash` when descriptors have to be closed. */
  readonly shell: string;
}

/** What interpreters reserve without ever using it, and the kernel counts as data all the same: Node 24 takes 570 MB of addresses before its first line. */
const reservedBytes = 640 * 1024 * 1024;

/** The bound of a process's data, where no control group counts its memory: more than that it can never use, though what it reserves counts too. */
export function dataBound(memoryBytes: number): number {
  return memoryBytes + reservedBytes;
}

/** Namespaces that the launcher enters and the user that it becomes; only root can. */
export interface LaunchAs {
  readonly uid: number;
  readonly gid: number;
  /** Null when the launcher has entered its namespaces already. */
  readonly mountNamespace: string | null;
  /** Null when the sandbox makes its own. */
  readonly networkNamespace: string | null;
}

/** How a sandbox is launched. */
export interface Launch {
  readonly programs: LaunchPrograms;
  readonly as: LaunchAs | null;
  readonly fileBytes: number;
  /** How many processes the sandbox may hold, where control groups do not say; the kernel counts them per user namespace. */
  readonly pids: number | null;
  /** How much memory each process may write to, where control groups do not say. */
  readonly dataBytes?: number | null;
  /** Descriptors inherited by mistake. */
  readonly leaked: readonly number[];
  /** The program and its arguments as they are inside. */
  readonly command: readonly string[];
}

/** The whole command line: namespaces and user, then bubblewrap, the gate and the program. */
export function launchCommand(launch: Launch): readonly string[] {
  const { programs, as } = launch;
  return [
    ...(as === null ? [] : [programs.nsenter, ...namespacesOf(as), "--setuid", String(as.uid), "--setgid", String(as.gid), "--"]),
    ...[programs.bwrap, "--args", String(descriptors.arguments), "--info-fd", String(descriptors.info), "--"],
    ...ownLimits(launch),
    ...gateCommand({ ...launch, shell: programs.shell, gate: inside.gate }),
  ];
}

function ownLimits({ programs, pids, dataBytes = null }: Launch): readonly string[] {
  if (pids === null && dataBytes === null) return [];
  return [programs.prlimit, ...(pids === null ? [] : [`--nproc=${pids}`]), ...(dataBytes === null ? [] : [`--data=${dataBytes}`])];
}

/** The gate (see `gate.sh`) and what comes after it. */
export function gateCommand(launch: {
  readonly shell: string;
  readonly gate: string;
  readonly leaked: readonly number[];
  readonly fileBytes: number;
  readonly command: readonly string[];
}): readonly string[] {
  const leaked = launch.leaked.length === 0 ? "-" : launch.leaked.join(",");
  return [launch.shell, launch.gate, leaked, String(Math.floor(launch.fileBytes / 512)), ...launch.command];
}

function namespacesOf(as: LaunchAs): readonly string[] {
  return [...(as.mountNamespace === null ? [] : [`--mount=${as.mountNamespace}`]), ...(as.networkNamespace === null ? [] : [`--net=${as.networkNamespace}`])];
}

/** What runs a site's `run.sh`: itself when it can be executed and names its interpreter, else a shell. */
export function runFileCommand(path: string, file: { readonly isExecutable: boolean; readonly hasShebang: boolean }): readonly string[] {
  return file.isExecutable && file.hasShebang ? [path] : ["/bin/sh", path];
}
