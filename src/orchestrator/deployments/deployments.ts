import { randomBytes } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "#contract/failure.ts";
import type { Clock } from "#kit/clock.ts";
import { faultOf } from "#kit/jail/fault.ts";
import type { Keep } from "#kit/jail/keep-present.ts";
import { withLock } from "#kit/jail/path-lock.ts";
import type { Log } from "#kit/log.ts";
import type { Account, QuotaBook } from "../files/quota-book.ts";
import { jailOf, requireSpec, type SiteShelf } from "../files/site-shelf.ts";
import { type UnpackedPlan, unpackedPlan } from "./archive-plan.ts";
import { growthOf, type Journal, journal, manifest, manifestOf, type PlacementFacts, planPlacement, type SiteHoldings } from "./placement.ts";
import { runPlacement } from "./run-placement.ts";
import { makeStateFolder, readState, removeState, syncFolder, writeState } from "./state-file.ts";
import { stillThere, surveySite } from "./survey-site.ts";
import { unpackArchive } from "./unpack-archive.ts";
import { listByAge, receive, requireUpload } from "./upload-files.ts";

/** What deployments need. */
export interface DeploymentsDeps {
  readonly sites: SiteShelf;
  readonly quota: QuotaBook;
  readonly clock: Clock;
  readonly log: Log;
  /** A folder beside the site, on the same disk, that only the platform reaches; it may not exist yet. */
  stateFolder(siteId: number): string;
  /** Told before every step of a placement; tests end the process in it. */
  readonly checkpoint?: (step: string) => void;
  /** Keeps what a deployment replaces in a site; absent: nothing is kept. */
  readonly keeper?: (siteId: number) => Keep;
}

const unpacked = z.object({ files: z.int(), bytes: z.int() });
const outcome = z.object({ unpacked, placed: z.object({ written: z.int(), removed: z.int() }) });

const maxEntries = 100_000;
const uploadLivesMs = 24 * 60 * 60 * 1000;
// So long does a repeated question get the same answer.
const outcomeLivesMs = 7 * uploadLivesMs;
/** Of a site: so many come at the same time, and so many are kept. */
const maxUploads = 4;

/** Takes archives in and puts them in place, each step so that it can be asked for again, before and after a crash. */
export class Deployments {
  readonly #deps: DeploymentsDeps;
  /** Uploads under way, by site. */
  readonly #coming = new Map<number, number>();

  constructor(deps: DeploymentsDeps) {
    this.#deps = deps;
  }

  /** Stores an archive; on the disk when this resolves, nothing of it is left when it throws: `rate_limited` when too many come at the same time. */
  async upload(
    siteId: number,
    uploadId: string,
    body: { readonly source: AsyncIterable<Uint8Array>; readonly expectedBytes: number | undefined },
  ): Promise<{ readonly size: number; readonly sha256: string }> {
    const { limits } = requireSpec(this.#deps.sites, siteId);
    using _turn = this.#takeTurn(siteId);
    const at = this.#paths(siteId, uploadId);
    await makeStateFolder(at.uploads).catch(inWords("the upload"));
    const begin = async (): Promise<void> => {
      await this.#finish(siteId);
      await this.#sweep(siteId, uploadId);
    };
    await this.#locked(siteId, begin).catch(inWords("the deployment before"));
    using account = await this.#deps.quota.open(siteId, { expectedBytes: body.expectedBytes, files: 0, isOutside: true });
    const draft = `${at.upload}.${randomBytes(6).toString("hex")}.part`;
    try {
      const taken = await receive(draft, body.source, (size, chunk) => {
        if (size > limits.diskBytes) throw new Failure("archive_too_large", { reason: `it has more than ${limits.diskBytes} bytes` });
        account.take(chunk);
      });
      if (body.expectedBytes !== undefined && body.expectedBytes !== taken.size) throw new Failure("upload_incomplete");
      await rename(draft, at.upload);
      await syncFolder(at.uploads);
      // Others have come meanwhile.
      await this.#locked(siteId, () => this.#sweepUnlessPlacing(siteId, uploadId));
      return taken;
    } catch (error) {
      await removeState(draft);
      throw faultOf(error, "the upload");
    }
  }

  /** Checks an uploaded archive and unpacks it beside the site. */
  unpack(siteId: number, uploadId: string): Promise<{ readonly files: number; readonly bytes: number }> {
    return this.#locked(siteId, async () => {
      const at = this.#paths(siteId, uploadId);
      requireSpec(this.#deps.sites, siteId);
      const done = (await readState(at.outcome, outcome))?.unpacked ?? (await readState(at.plan, unpackedPlan));
      if (done !== undefined) return { files: done.files, bytes: done.bytes };
      await requireUpload(at.upload, uploadId);
      await rm(at.staging, { recursive: true, force: true });
      await makeStateFolder(at.stagings);
      await mkdir(at.staging, { mode: 0o700 });
      try {
        const jail = jailOf(this.#deps.sites, siteId);
        const before = (await readState(at.manifest, manifest))?.entries ?? [];
        // Which of it goes is known once all of it is unpacked, and is judged when it is placed.
        const old = await stillThere(jail, before);
        const plan = await this.#unpackWithin(siteId, at, old.bytes);
        const known = new Set(before.map((entry) => entry.path));
        const others = plan.entries.filter((entry) => !known.has(entry.path));
        const own = await stillThere(jail, others);
        // Once that account is closed: what it took would count a second time, and nothing as replaced.
        (await this.#deps.quota.open(siteId, { files: plan.entries.length, replaces: { bytes: 0, files: old.files + own.files } }))[Symbol.dispose]();
        await writeState(at.plan, plan);
        return { files: plan.files, bytes: plan.bytes };
      } catch (error) {
        await rm(at.staging, { recursive: true, force: true });
        throw faultOf(error, "the archive");
      }
    });
  }

  async #unpackWithin(siteId: number, at: { readonly upload: string; readonly staging: string }, replacedBytes: number): Promise<UnpackedPlan> {
    const { files, fileBytes, diskBytes } = requireSpec(this.#deps.sites, siteId).limits;
    using account = await this.#deps.quota.open(siteId, { files: 0, replaces: { bytes: replacedBytes, files: 0 } });
    const limits = { entries: Math.min(files, maxEntries), fileBytes, totalBytes: diskBytes };
    return await unpackArchive({ archive: at.upload, staging: at.staging, limits, budget: account, owner: this.#deps.sites.ownerOf(siteId) });
  }

  /** Puts an unpacked archive in place. From the moment its journal is written it will be there, whatever happens; one that is refused before is forgotten. */
  place(siteId: number, uploadId: string): Promise<{ readonly written: number; readonly removed: number }> {
    return this.#locked(siteId, async () => {
      const at = this.#paths(siteId, uploadId);
      const jail = jailOf(this.#deps.sites, siteId);
      await this.#finish(siteId);
      const done = await readState(at.outcome, outcome);
      if (done !== undefined) return done.placed;
      const plan = await readState(at.plan, unpackedPlan);
      if (plan === undefined) throw new Failure("file_not_found", { path: `the unpacked upload ${uploadId} (send the archive again)` });
      const before = await readState(at.manifest, manifest);
      const facts = await surveySite(jail, plan, before);
      const { todo, account: taken } = await this.#judge(siteId, uploadId, { ...facts, plan, before });
      using account = taken;
      this.#deps.checkpoint?.("journal");
      await writeState(at.journal, todo);
      await this.#finish(siteId);
      account.keep();
      return countsOf(todo);
    }).catch(inWords("the deployment"));
  }

  // Nobody asks again for what was refused, and what waits here would count in nobody's quota.
  async #judge(siteId: number, uploadId: string, facts: PlacementFacts & SiteHoldings): Promise<{ readonly todo: Journal; readonly account: Account }> {
    try {
      const todo = planPlacement(uploadId, facts);
      return { todo, account: await this.#account(siteId, growthOf(todo, facts)) };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      await this.#discard(siteId, uploadId).catch((err: unknown) => this.#deps.log.error({ err, siteId, uploadId }, "refused deployment could not be removed"));
      if (error.code !== "quota_exceeded") throw error;
      const detail = `${String(error.details.detail)}. Nothing was placed; send the archive again when there is room`;
      throw new Failure(error.code, { detail }, { cause: error });
    }
  }

  // The plan goes first, and for good: staged files that are not there count as placed. A start removes what has no upload.
  async #discard(siteId: number, uploadId: string): Promise<void> {
    const at = this.#paths(siteId, uploadId);
    await removeState(at.plan);
    await syncFolder(at.staging);
    await removeState(at.upload);
    await rm(at.staging, { recursive: true, force: true });
  }

  // What was there when it was unpacked may be elsewhere in the site by now, and stay.
  async #account(siteId: number, growth: { readonly bytes: number; readonly files: number }): Promise<Account> {
    const [bytes, files] = [Math.max(0, growth.bytes), Math.max(0, growth.files)];
    const replaces = { bytes: bytes - growth.bytes, files: files - growth.files };
    const account = await this.#deps.quota.open(siteId, { expectedBytes: bytes, files, replaces, isStored: true });
    account.take(bytes);
    return account;
  }

  /** Ends what a crash interrupted, and removes what nobody asked for any more. Called once at start; a site that fails is logged and tried again with its next deployment. */
  async recover(siteIds: Iterable<number>): Promise<void> {
    for (const siteId of siteIds) {
      try {
        await this.#locked(siteId, async () => {
          await this.#finish(siteId);
          await this.#sweep(siteId, "");
        });
      } catch (error) {
        this.#deps.log.error({ err: error, siteId }, "deployment could not be finished");
      }
    }
  }

  /** Deletes everything kept of a site that is gone. */
  forget(siteId: number): Promise<void> {
    return this.#locked(siteId, () => rm(this.#deps.stateFolder(siteId), { recursive: true, force: true }));
  }

  /** Does something to a site while no deployment of it is under way. */
  exclusively<T>(siteId: number, act: () => Promise<T>): Promise<T> {
    return this.#locked(siteId, act);
  }

  async #finish(siteId: number): Promise<void> {
    const todo = await readState(this.#paths(siteId, "").journal, journal);
    if (todo === undefined) return;
    const at = this.#paths(siteId, todo.uploadId);
    const checkpoint = this.#deps.checkpoint ?? (() => undefined);
    const plan = await readState(at.plan, unpacked);
    try {
      await runPlacement({ jail: jailOf(this.#deps.sites, siteId), staging: at.staging, checkpoint, keep: this.#deps.keeper?.(siteId) }, todo);
    } finally {
      this.#deps.quota.doubt(siteId);
    }
    checkpoint("manifest");
    await writeState(at.manifest, manifestOf(todo));
    checkpoint("outcome");
    await makeStateFolder(at.outcomes);
    const files = todo.entries.filter((entry) => entry.kind !== "folder").length;
    await writeState(at.outcome, { unpacked: plan ?? { files, bytes: 0 }, placed: countsOf(todo) });
    checkpoint("end");
    await removeState(at.journal);
    await syncFolder(at.state);
    checkpoint("clean");
    await rm(at.staging, { recursive: true, force: true });
    await removeState(at.upload);
  }

  #takeTurn(siteId: number): Disposable {
    const before = this.#coming.get(siteId) ?? 0;
    if (before >= maxUploads) throw new Failure("rate_limited", { retryAfterSeconds: 10 });
    this.#coming.set(siteId, before + 1);
    const end = (): void => {
      const left = (this.#coming.get(siteId) ?? 0) - 1;
      if (left > 0) this.#coming.set(siteId, left);
      else this.#coming.delete(siteId);
    };
    return { [Symbol.dispose]: end };
  }

  // A placement that failed needs its upload: the next one to come finishes it first.
  async #sweepUnlessPlacing(siteId: number, came: string): Promise<void> {
    if ((await readState(this.#paths(siteId, "").journal, journal)) === undefined) await this.#sweep(siteId, came);
  }

  // Keeps the upload that comes and the newest others; what a journal needs is never here, since it was finished before.
  async #sweep(siteId: number, coming: string): Promise<void> {
    const at = this.#paths(siteId, "");
    const now = this.#deps.clock.now();
    const uploads = await listByAge(at.uploads);
    const tooMany = uploads.filter((file) => file.name.endsWith(".tar.gz") && file.name !== `${coming}.tar.gz`).slice(maxUploads - 1);
    const old = uploads.filter((file) => tooMany.includes(file) || now - file.modifiedMs > uploadLivesMs);
    for (const file of old) await rm(join(at.uploads, file.name), { force: true });
    const kept = new Set((await listByAge(at.uploads)).map((file) => file.name));
    for (const staging of await listByAge(at.stagings)) {
      if (!kept.has(`${staging.name}.tar.gz`)) await rm(join(at.stagings, staging.name), { recursive: true, force: true });
    }
    for (const file of await listByAge(at.outcomes)) if (now - file.modifiedMs > outcomeLivesMs) await rm(join(at.outcomes, file.name), { force: true });
  }

  #locked<T>(siteId: number, act: () => Promise<T>): Promise<T> {
    return withLock(`deployments of ${this.#deps.stateFolder(siteId)}`, act);
  }

  #paths(siteId: number, uploadId: string) {
    const state = this.#deps.stateFolder(siteId);
    const uploads = join(state, "uploads");
    const stagings = join(state, "staging");
    const outcomes = join(state, "outcomes");
    const staging = join(stagings, uploadId);
    return {
      state,
      uploads,
      stagings,
      outcomes,
      staging,
      upload: join(uploads, `${uploadId}.tar.gz`),
      plan: join(staging, "plan.json"),
      outcome: join(outcomes, `${uploadId}.json`),
      manifest: join(state, "manifest.json"),
      journal: join(state, "journal.json"),
    };
  }
}

function countsOf(todo: Journal): { readonly written: number; readonly removed: number } {
  const count = (entries: readonly { readonly kind: string }[]): number => entries.filter((entry) => entry.kind !== "folder").length;
  return { written: count(todo.entries), removed: count(todo.remove) };
}

// A full disk, for one: what of it was written down is tried again.
function inWords(what: string): (error: unknown) => never {
  return (error) => {
    throw faultOf(error, what);
  };
}
