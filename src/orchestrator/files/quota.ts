import { Failure } from "#contract/failure.ts";

/** What a site's files take. */
export interface Usage {
  readonly bytes: number;
  /** Files, links and folders. */
  readonly files: number;
  /** Some folders are nested too deep to be counted. */
  readonly isTooDeep: boolean;
  /** Some folders are closed even to their owner and stay so: nobody knows what is in them. */
  readonly isShut: boolean;
}

/** May so much be added? */
export interface QuotaQuestion {
  readonly used: Usage;
  readonly limits: { readonly diskBytes: number; readonly files: number };
  /** What comes on top, less what it replaces; negative when it shrinks. */
  readonly addBytes: number;
  readonly addFiles: number;
  /** What the disk has left for everybody, and what of it nobody may take. */
  readonly freeBytes: number;
  readonly reservedBytes: number;
  /** Bytes that go to the disk before anything that they replace is gone. */
  readonly writeBytes: number;
}

/** Decides whether a write fits the site's quota and the disk; null: it does. */
export function judgeQuota(question: QuotaQuestion): Failure | null {
  const { used, limits, addBytes, addFiles } = question;
  if (question.freeBytes - question.writeBytes < question.reservedBytes) return new Failure("disk_full");
  const uncounted = judgeUncounted(used, limits.files);
  if (uncounted !== null) return uncounted;
  // Who is over already may still make things smaller.
  if (addBytes > 0 && used.bytes + addBytes > limits.diskBytes) return full(`its files may have ${limits.diskBytes} bytes together`);
  if (addFiles > 0 && used.files + addFiles > limits.files) return full(`it may have ${limits.files} files and folders`);
  return null;
}

/** Decides whether a site has outgrown its quota by what its program wrote; null: it has not. */
export function judgeExcess(used: Usage, limits: { readonly diskBytes: number; readonly files: number }): Failure | null {
  const uncounted = judgeUncounted(used, limits.files);
  if (uncounted !== null) return uncounted;
  if (used.bytes > limits.diskBytes) return full(`its files have ${used.bytes} bytes together and may have ${limits.diskBytes}`);
  if (used.files > limits.files) return full(`it has ${used.files} files and folders and may have ${limits.files}`);
  return null;
}

/** At so many times the files that it may have, a site is not counted to its end: what its files hold is not known. */
export const mostCountedTimes = 2;

function judgeUncounted(used: Usage, filesLimit: number): Failure | null {
  if (used.files > mostCountedTimes * filesLimit)
    return full(`it has more than ${mostCountedTimes} times the ${filesLimit} files and folders that it may have; delete some of them first`);
  if (used.isTooDeep) return full("some of its folders are nested too deep to be counted");
  return used.isShut ? full("some of its folders are closed even to their owner, so that what is in them cannot be counted") : null;
}

function full(detail: string): Failure {
  return new Failure("quota_exceeded", { detail });
}
