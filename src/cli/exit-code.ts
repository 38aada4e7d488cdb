import { Failure, type FailureDetails } from "#contract/failure.ts";

/** What the command line ends with; the table stands in docs/cli.md. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notSignedIn: 3, notFound: 4, unreachable: 5, refused: 6 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Something that went wrong on this side, in a sentence for the person who typed the command. */
export class CliError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly details: FailureDetails;

  constructor(code: string, message: string, options: { readonly exitCode?: ExitCode; readonly details?: FailureDetails; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CliError";
    this.code = code;
    this.exitCode = options.exitCode ?? exitCodes.failed;
    this.details = options.details ?? {};
  }
}

/** Nothing went wrong here: the command ends with a code that somebody else gave, and everything was said already. */
export class ExitWith extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`ends with ${exitCode}`);
    this.name = "ExitWith";
    this.exitCode = exitCode;
  }
}

/** A mistake in what was typed. */
export function usageError(message: string): CliError {
  return new CliError("usage", message, { exitCode: exitCodes.usage });
}

/** A local file or folder that cannot be read; what is no trouble of the disk goes on as it is. */
export function unreadable(path: string, error: unknown, exitCode: ExitCode = exitCodes.failed): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  return new CliError("file_unreadable", `${path} cannot be read: ${error.message}.`, { exitCode, details: { path }, cause: error });
}

/** The exit code of whatever a command threw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  if (!(error instanceof Failure)) return exitCodes.failed;
  if (error.code === "component_away" || error.code === "not_ready") return exitCodes.unreachable;
  if (error.status === 401) return exitCodes.notSignedIn;
  if (error.status === 404) return exitCodes.notFound;
  if (error.status === 403 || error.status === 409 || error.status === 412) return exitCodes.refused;
  return exitCodes.failed;
}
