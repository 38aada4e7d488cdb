import type { EnterRequest } from "../enter.ts";
import { findProgram } from "./machine-programs.ts";
import { type RunPaths, runEnvironment } from "./run-plan.ts";

// What runs when somebody enters a site, as values.

/** Shells and their companions, by path as the program sees them; null is what this machine does not have. */
export interface TerminalPrograms {
  readonly bash: string | null;
  /** Makes a terminal the controlling one of a session: without it there are no jobs, and no Ctrl-C. */
  readonly setsid: string | null;
}

/** A sandbox shows the machine's own `/usr`, where these are. */
export function terminalPrograms(): TerminalPrograms {
  return { bash: findProgram("bash"), setsid: findProgram("setsid") };
}

/** Files of a home folder that a login shell reads. */
const loginFiles = [".bash_profile", ".bash_login", ".profile"] as const;

/** The program and its arguments. Files are the group's too, as those that the editor makes. */
export function enterCommandLine(
  request: Pick<EnterRequest, "command" | "size"> & { readonly spec: { readonly name: string } },
  programs: TerminalPrograms,
): readonly string[] {
  const { command, size } = request;
  const shell = programs.bash ?? "/bin/sh";
  const session = size === null || programs.setsid === null ? [] : [programs.setsid, "-c"];
  // The terminal erases characters, not bytes.
  const prepare = `umask 007; ${size === null ? "" : "stty iutf8 2>/dev/null; "}`;
  if (command !== null) return [...session, "/bin/sh", "-c", `${prepare}exec "$0" -c "$1"`, shell, command];
  // One that has such a file expects it to be read; everyone else's `.bashrc` is read by no login shell.
  const login = loginFiles.map((name) => `[ -f "$HOME/${name}" ] && exec "$0" -l`).join("; ");
  // Set here and not with the other variables: a shell that is not interactive, as the gate, forgets its prompt.
  return [...session, "/bin/sh", "-c", `${prepare}export PS1="$1"; ${login}; exec "$0" -i`, shell, promptOf(request.spec.name, programs)];
}

/** Every variable that it sees. */
export function enterEnvironment(request: EnterRequest, paths: RunPaths, programs: TerminalPrograms): Readonly<Record<string, string>> {
  const { spec, folder, environment, size } = request;
  const shell = programs.bash ?? "/bin/sh";
  const place = runEnvironment({ place: { kind: "site", spec, folder }, environment: {} }, paths);
  const terminal = size === null ? {} : { TERM: "xterm-256color" };
  return { ...terminal, ...place, ...environment, LOGNAME: "site", SHELL: shell };
}

// Bash marks what takes no room on the line; a plain shell shows its prompt as it stands.
function promptOf(site: string, { bash }: TerminalPrograms): string {
  return bash === null ? `${site}$ ` : `\\[\\e[1;32m\\]${site}\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]\\$ `;
}
