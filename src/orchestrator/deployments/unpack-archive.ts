import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { Failure } from "#contract/failure.ts";
import type { WriteBudget } from "#kit/jail/draft.ts";
import { faultOf } from "#kit/jail/fault.ts";
import type { FileOwner } from "#kit/jail/jail.ts";
import { judgeEntry, type TarHeader } from "./archive-entry.ts";
import { type ArchiveLimits, ArchivePlan, tooLarge, type UnpackedPlan } from "./archive-plan.ts";

// Text shrinks to a tenth, zeros to a thousandth; nobody's site is zeros.
const maxRatio = 200;
const ratioCountsFromBytes = 16 * 1024 * 1024;
// fsync of many small files is waiting, not work: some at a time share the journal's commits.
const syncsAtOnce = 16;

/** Where to take an archive from and where to lay its files down. */
export interface UnpackRequest {
  readonly archive: string;
  /** An empty folder that only the platform reaches. */
  readonly staging: string;
  readonly limits: ArchiveLimits;
  readonly budget: WriteBudget;
  readonly owner: FileOwner | null;
}

/**
 * Checks a gzip-compressed tar and lays its files down under numbers, each on the disk when this resolves. Names, modes
 * and links stay in the plan: nothing that the archive says ever becomes a path here.
 */
export async function unpackArchive(request: UnpackRequest): Promise<UnpackedPlan> {
  const plan = new ArchivePlan(request.limits);
  const staging = new Staging(request);
  const entries = extract();
  const source = createReadStream(request.archive, { highWaterMark: 256 * 1024 });
  const guard = ratioGuard(() => source.bytesRead, request.limits);
  // Awaited as a value: it may fail long before the entry at hand has been dealt with.
  const feeding = pipeline(source, createGunzip(), guard, entries).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  try {
    for await (const entry of entries) await takeEntry(plan, staging, entry);
    const fed = await feeding;
    if (fed !== undefined) throw fed.error;
    await staging.settle();
    return plan.finish();
  } catch (error) {
    entries.destroy();
    source.destroy();
    await Promise.allSettled([feeding, staging.settle()]);
    // The stream that failed first says why; those after it only that they ended early.
    const cause = isOwn(error) ? error : ((await feeding)?.error ?? error);
    throw translate(cause);
  }
}

interface Entry extends AsyncIterable<unknown> {
  readonly header: TarHeader;
  resume(): unknown;
}

async function takeEntry(plan: ArchivePlan, staging: Staging, entry: Entry): Promise<void> {
  const judged = judgeEntry(entry.header);
  plan.admit(judged);
  if (judged.kind === "file") {
    const { kind, path, executable, size } = judged;
    plan.add({ kind, path, executable, size, ...(await staging.write(entry, executable)) });
    return;
  }
  entry.resume();
  if (judged.kind === "copy") {
    const original = plan.fileAt(judged.of, judged.path);
    plan.add({ ...original, path: judged.path, staged: await staging.copy(original.staged, original.size) });
  } else if (judged.kind === "link" || judged.path !== "") plan.add(judged);
}

class Staging {
  readonly #request: UnpackRequest;
  readonly #syncing = new Set<Promise<void>>();
  #next = 0;
  #failure: unknown;

  constructor(request: UnpackRequest) {
    this.#request = request;
  }

  async write(content: AsyncIterable<unknown>, executable: boolean): Promise<{ readonly staged: number; readonly sha256: string }> {
    const staged = this.#next++;
    const sum = createHash("sha256");
    const file = await open(this.#path(staged), "wx", 0o600);
    try {
      for await (const chunk of content) {
        if (!(chunk instanceof Uint8Array)) throw new Error("the tar reader gave something else than bytes");
        this.#request.budget.take(chunk.length);
        sum.update(chunk);
        await file.writeFile(chunk);
      }
      await file.chmod(executable ? 0o755 : 0o644);
      if (this.#request.owner !== null) await file.chown(this.#request.owner.uid, this.#request.owner.gid);
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#sync(async () => {
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    });
    return { staged, sha256: sum.digest("hex") };
  }

  async copy(original: number, size: number): Promise<number> {
    const staged = this.#next++;
    this.#request.budget.take(size);
    await copyFile(this.#path(original), this.#path(staged), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await using file = await open(this.#path(staged), "r+");
    if (this.#request.owner !== null) await file.chown(this.#request.owner.uid, this.#request.owner.gid);
    await file.sync();
    return staged;
  }

  /** Waits until everything is on the disk. */
  async settle(): Promise<void> {
    await Promise.all(this.#syncing);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #sync(act: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const sync = act().then(
      () => void this.#syncing.delete(sync),
      (error: unknown) => {
        this.#syncing.delete(sync);
        this.#failure ??= error;
      },
    );
    this.#syncing.add(sync);
    if (this.#syncing.size >= syncsAtOnce) await Promise.race(this.#syncing);
  }

  #path(staged: number): string {
    return join(this.#request.staging, String(staged));
  }
}

// An archive bomb is noticed while it unfolds, whatever its entries claim.
function ratioGuard(compressedBytes: () => number, limits: ArchiveLimits): Transform {
  const most = 2 * limits.totalBytes + 64 * 1024 * 1024;
  let inflated = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      inflated += chunk.length;
      if (inflated > most) return done(tooLarge(`it unfolds to more than ${most} bytes`));
      if (inflated > ratioCountsFromBytes && inflated > maxRatio * compressedBytes())
        return done(tooLarge(`it unfolds to more than ${maxRatio} times its size`));
      done(null, chunk);
    },
  });
}

function translate(error: unknown): unknown {
  const known = faultOf(error, "the archive");
  if (known instanceof Failure || isOwn(error) || !(error instanceof Error)) return known;
  // zlib and the tar reader speak in messages; both mean that the bytes are not what they should be.
  return new Failure("archive_invalid", { reason: error.message.replace(/[.\s]+$/, "") }, { cause: error });
}

// A failure of ours or of the system (only those name a call), not of the streams that read the archive.
function isOwn(error: unknown): boolean {
  return error instanceof Failure || (error instanceof Error && "syscall" in error);
}
