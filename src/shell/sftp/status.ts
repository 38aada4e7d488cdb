import { Failure, type FailureCode } from "#contract/failure.ts";

/** The codes of version 3. */
export const statusCodes = { ok: 0, endOfFile: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, badMessage: 5, noConnection: 6, unsupported: 8 } as const;
export type StatusCode = (typeof statusCodes)[keyof typeof statusCodes];

/** A request that is answered with a status. */
export class Refusal extends Error {
  readonly code: StatusCode;

  constructor(code: StatusCode, text: string) {
    super(text);
    this.code = code;
  }
}

const codes: Readonly<Partial<Record<FailureCode, StatusCode>>> = {
  file_not_found: statusCodes.noSuchFile,
  not_a_folder: statusCodes.noSuchFile,
  site_not_found: statusCodes.noSuchFile,
  grant_refused: statusCodes.permissionDenied,
  not_signed_in: statusCodes.permissionDenied,
  role_too_low: statusCodes.permissionDenied,
  path_outside_site: statusCodes.permissionDenied,
  file_special: statusCodes.permissionDenied,
  file_forbidden: statusCodes.permissionDenied,
};

/** What a client is told of what went wrong; undefined for a bug. */
export function statusOf(error: unknown): { readonly code: StatusCode; readonly text: string } | undefined {
  // fetch wraps what its body's source threw.
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof Refusal) return { code: cause.code, text: cause.message };
    if (cause instanceof Failure) return { code: codes[cause.code] ?? statusCodes.failure, text: cause.message };
  }
  return undefined;
}
