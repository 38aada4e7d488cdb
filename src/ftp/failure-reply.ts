import { Failure } from "#contract/failure.ts";
import { NoDataConnection } from "./data-channel.ts";

/** A command that ends with this reply. */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

/** The reply to what went wrong; undefined for a bug. */
export function replyOf(error: unknown): { readonly code: number; readonly text: string } | undefined {
  if (error instanceof Refusal) return { code: error.code, text: error.message };
  if (error instanceof NoDataConnection) return { code: 425, text: `Can't open data connection: ${error.message}.` };
  // fetch wraps what its body's source threw.
  const failure = failureIn(error);
  return failure === undefined ? undefined : { code: codeOf(failure), text: failure.message };
}

function codeOf(failure: Failure): number {
  switch (failure.code) {
    case "quota_exceeded":
    case "disk_full":
    case "file_too_large":
      return 552;
    case "component_away":
    case "not_ready":
    case "machine_full":
    case "internal":
      return 451;
    case "upload_incomplete":
      return 426;
    default:
      return 550;
  }
}

function failureIn(error: unknown): Failure | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof Failure) return cause;
  return undefined;
}
