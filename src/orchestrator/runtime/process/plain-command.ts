import { gateCommand } from "./launch-command.ts";

/** A program without a sandbox: only an administrator's, where the machine cannot isolate. */
export interface PlainLaunch {
  readonly programs: { readonly setpriv: string | null; readonly nsenter: string | null; readonly shell: string };
  /** Root still becomes the site's user. */
  readonly as: { readonly uid: number; readonly gid: number; readonly mountNamespace: string | null } | null;
  readonly fileBytes: number;
  readonly gate: string;
  readonly leaked: readonly number[];
  readonly command: readonly string[];
}

/** The whole command line. What the machine does not have is left out: this is the mode of last resort. */
export function plainCommand(launch: PlainLaunch): readonly string[] {
  const { programs, as } = launch;
  const { nsenter, setpriv } = programs;
  const enters = nsenter !== null && as !== null && as.mountNamespace !== null;
  const user = as === null || setpriv === null ? [] : ["--reuid", String(as.uid), "--regid", String(as.gid), "--clear-groups"];
  return [
    ...(enters ? [nsenter, `--mount=${as.mountNamespace}`, "--"] : []),
    ...(setpriv === null ? [] : [setpriv, ...user, "--no-new-privs", "--pdeathsig", "KILL"]),
    ...gateCommand({ ...launch, shell: programs.shell }),
  ];
}
