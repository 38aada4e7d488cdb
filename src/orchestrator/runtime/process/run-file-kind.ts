import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** How a `run.sh` wants to be run. */
export interface RunFileKind {
  readonly isExecutable: boolean;
  readonly hasShebang: boolean;
}

/** Looks at a `run.sh`. The site may have put anything there: a link is judged inside the sandbox, a pipe never blocks us. */
export function inspectRunFile(path: string): RunFileKind {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const isLink = error instanceof Error && "code" in error && error.code === "ELOOP";
    return { isExecutable: isLink, hasShebang: isLink };
  }
  try {
    const stat = fstatSync(descriptor);
    const start = Buffer.alloc(2);
    if (stat.isFile()) readSync(descriptor, start, 0, 2, 0);
    return { isExecutable: (stat.mode & 0o111) !== 0, hasShebang: start.toString("latin1") === "#!" };
  } finally {
    closeSync(descriptor);
  }
}
