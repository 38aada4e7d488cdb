import { statfs } from "node:fs/promises";
import type { Failure } from "#contract/failure.ts";
import type { SteadyClock } from "#kit/clock.ts";
import type { WriteBudget } from "#kit/jail/draft.ts";
import { translatedAsync } from "#kit/jail/fault.ts";
import type { Jail } from "#kit/jail/jail.ts";
import type { Replaced } from "./present-entry.ts";
import { judgeExcess, judgeQuota, type Usage } from "./quota.ts";
import { jailOf, requireSpec, type SiteShelf } from "./site-shelf.ts";
import { scanUsage } from "./usage-scan.ts";

const scanIsGoodMs = 60_000;
// A scan this young is not repeated even when somebody is about to be refused.
const scanIsYoungMs = 2_000;
const freeIsGoodMs = 1_000;

/** What the book needs. */
export interface QuotaBookDeps {
  readonly sites: SiteShelf;
  readonly clock: SteadyClock;
  /** Bytes of the disk that no site may take. */
  readonly reservedBytes: number;
  /** Free bytes on a folder's disk; absent: asks the system. */
  readonly freeBytes?: (folder: string) => Promise<number>;
  /** Counts a site's files, of which it may have so many; absent: walks them. */
  readonly scan?: (jail: Jail, filesLimit: number) => Promise<Usage>;
}

/** What a write is known to do before it begins. */
export interface Intention {
  readonly expectedBytes?: number | undefined;
  /** New files and folders at most. */
  readonly files: number;
  /** What disappears when it succeeds. */
  readonly replaces?: Replaced;
  /** The bytes do not become the site's (an upload that waits for its deployment): only the disk's floor counts. */
  readonly isOutside?: boolean;
  /** The bytes are on the disk already (an archive that was unpacked): only the site's limits count. */
  readonly isStored?: boolean;
}

/** A write's share of the quota: released with its scope unless it was kept. */
export interface Account extends WriteBudget, Disposable {
  /** The write took place: what it took counts from now on. */
  keep(): void;
  /** What it really replaces, known in the last moment. @throws {Failure} `quota_exceeded` when that is less than was said, and it does not fit so. */
  replacing(present: Replaced): void;
}

// So much less than before is worth counting the site again, and so is such a part of the room that is left.
const muchLessBytes = 1024 * 1024;
const muchOfRoom = 1 / 8;
// Less than such a part of the quota is not worth a count before a young scan has aged: in a full site each byte less would bring one.
const littleOfQuota = 1 / 1024;

const nothing: Usage = { bytes: 0, files: 0, isTooDeep: false, isShut: false };
const boundless = { diskBytes: Number.MAX_SAFE_INTEGER, files: Number.MAX_SAFE_INTEGER };

type Judge = (bytes: number, files: number, replaces: Replaced) => Error | null;

interface Ledger {
  readonly usage: Usage;
  readonly scannedAt: number;
  /** Written and kept since that scan began; a scan may have seen some of it, so that it errs on the safe side. */
  addedBytes: number;
  addedFiles: number;
  /** What was replaced by less since, as far as is known: not taken off, since only counting tells. */
  lessBytes: number;
  /** It has become less since by something that was deleted, or by so much that it matters. */
  isDoubtful: boolean;
}

/** Knows what every site uses: by a scan at most a minute old, and what was written since. */
export class QuotaBook {
  readonly #deps: QuotaBookDeps;
  readonly #ledgers = new Map<number, Ledger>();
  readonly #scans = new Map<number, Promise<Ledger>>();
  /** Bytes and files of writes under way. */
  readonly #open = new Map<number, { bytes: number; files: number }>();
  #disk: { readonly bytes: number; readonly at: number; taken: number } | undefined;

  constructor(deps: QuotaBookDeps) {
    this.#deps = deps;
  }

  /** What a site uses. */
  async usage(siteId: number): Promise<Usage> {
    const ledger = await this.#ledger(siteId, false);
    const { usage, addedBytes, addedFiles } = ledger;
    return { ...usage, bytes: usage.bytes + addedBytes, files: usage.files + addedFiles };
  }

  /** Whether a site has outgrown its quota, counted anew: its program writes without asking. */
  async excess(siteId: number): Promise<Failure | null> {
    const { limits } = requireSpec(this.#deps.sites, siteId);
    const ledger = await this.#ledger(siteId, true);
    return judgeExcess(ledger.usage, limits);
  }

  /** Something of the site was deleted: before anybody is refused, it is counted again. */
  doubt(siteId: number): void {
    const ledger = this.#ledgers.get(siteId);
    if (ledger !== undefined) ledger.isDoubtful = true;
  }

  /** The site is gone. */
  forget(siteId: number): void {
    this.#ledgers.delete(siteId);
  }

  /** Opens a write's account. @throws {Failure} `quota_exceeded`, `disk_full` when it is known already that it does not fit. */
  async open(siteId: number, intention: Intention): Promise<Account> {
    const { limits } = requireSpec(this.#deps.sites, siteId);
    const ledger = await this.#ledger(siteId, false);
    const disk = await this.#free(siteId);
    const isOutside = intention.isOutside === true;
    const others = isOutside ? { bytes: 0, files: 0 } : this.#openOf(siteId);
    const replaces = intention.replaces ?? { bytes: 0, files: 0 };
    const judge: Judge = (bytes, files, replaced) => {
      const book = this.#ledgers.get(siteId) ?? ledger;
      const { bytes: free, taken } = this.#disk ?? disk;
      return judgeQuota({
        used: isOutside ? nothing : book.usage,
        limits: isOutside ? boundless : limits,
        addBytes: book.addedBytes + others.bytes + bytes - replaced.bytes,
        addFiles: book.addedFiles + others.files + files - replaced.files,
        freeBytes: intention.isStored === true ? Number.MAX_SAFE_INTEGER : free - taken,
        reservedBytes: this.#deps.reservedBytes,
        writeBytes: bytes,
      });
    };
    let refusal = judge(intention.expectedBytes ?? 0, intention.files, replaces);
    if (refusal !== null) {
      await this.#ledger(siteId, true);
      refusal = judge(intention.expectedBytes ?? 0, intention.files, replaces);
    }
    if (refusal !== null) throw refusal;
    return this.#account({ siteId, intention, fileBytes: limits.fileBytes, judge, open: others });
  }

  #account(of: {
    readonly siteId: number;
    readonly intention: Intention;
    readonly fileBytes: number;
    readonly judge: Judge;
    readonly open: { bytes: number; files: number };
  }): Account {
    const { open } = of;
    // What was announced is set aside at once, so that writes at the same time do not all begin and then all fail.
    let reserved = 0;
    let taken = 0;
    let isOpen = true;
    let replaces = of.intention.replaces ?? { bytes: 0, files: 0 };
    const reserve = (bytes: number): void => {
      reserved += bytes;
      open.bytes += bytes;
      if (this.#disk !== undefined && of.intention.isStored !== true) this.#disk.taken += bytes;
    };
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      open.bytes -= reserved;
      open.files -= of.intention.files;
    };
    open.files += of.intention.files;
    reserve(of.intention.expectedBytes ?? 0);
    return {
      fileBytes: of.fileBytes,
      take: (bytes) => {
        taken += bytes;
        const more = taken - reserved;
        if (more <= 0) return;
        // The account's files stand among the open ones already.
        this.#refuse(of.siteId, of.judge(more, 0, replaces));
        reserve(more);
        this.#refreshFree(of.siteId);
      },
      replacing: (present) => {
        const said = replaces;
        replaces = { bytes: Math.min(said.bytes, present.bytes), files: Math.min(said.files, present.files) };
        // All that it took and brings stands among the open ones.
        if (replaces.bytes < said.bytes || replaces.files < said.files) this.#refuse(of.siteId, of.judge(0, 0, replaces));
      },
      keep: () => {
        if (!isOpen) return;
        this.#note(of.siteId, taken - replaces.bytes, of.intention.files - replaces.files);
        close();
      },
      [Symbol.dispose]: close,
    };
  }

  #refuse(siteId: number, refusal: Error | null): void {
    if (refusal === null) return;
    this.doubt(siteId);
    throw refusal;
  }

  // What became less is found by counting: a program can make a file large before it is replaced, of which nobody knew.
  #note(siteId: number, bytes: number, files: number): void {
    const ledger = this.#ledgers.get(siteId);
    if (ledger === undefined) return;
    ledger.addedBytes += Math.max(0, bytes);
    ledger.addedFiles += Math.max(0, files);
    if (bytes >= 0) return;
    ledger.lessBytes -= bytes;
    if (ledger.lessBytes > Math.min(muchLessBytes, muchOfRoom * this.#roomOf(siteId, ledger))) ledger.isDoubtful = true;
  }

  #isShortOfRoom(siteId: number, ledger: Ledger): boolean {
    const { diskBytes } = this.#deps.sites.specOf(siteId)?.limits ?? boundless;
    const little = Math.min(muchLessBytes, littleOfQuota * diskBytes);
    return ledger.lessBytes > Math.max(little, this.#roomOf(siteId, ledger));
  }

  #roomOf(siteId: number, { usage, addedBytes }: Ledger): number {
    // A site that has gone meanwhile is refused elsewhere.
    const { diskBytes } = this.#deps.sites.specOf(siteId)?.limits ?? boundless;
    return Math.max(0, diskBytes - usage.bytes - addedBytes);
  }

  #openOf(siteId: number): { bytes: number; files: number } {
    const known = this.#open.get(siteId) ?? { bytes: 0, files: 0 };
    this.#open.set(siteId, known);
    return known;
  }

  async #ledger(siteId: number, isRefused: boolean): Promise<Ledger> {
    const known = this.#ledgers.get(siteId);
    const age = known === undefined ? Number.POSITIVE_INFINITY : this.#deps.clock.now() - known.scannedAt;
    const good = isRefused || known?.isDoubtful === true ? scanIsYoungMs : scanIsGoodMs;
    // A body of unknown size is refused in its middle, where nobody can wait for a count.
    const mayBeWrong = known?.isDoubtful === true && (isRefused || this.#isShortOfRoom(siteId, known));
    if (known !== undefined && age < good && !mayBeWrong) return known;
    const underWay = this.#scans.get(siteId);
    if (underWay !== undefined) return underWay;
    const scan = this.#scan(siteId).finally(() => this.#scans.delete(siteId));
    this.#scans.set(siteId, scan);
    return scan;
  }

  async #scan(siteId: number): Promise<Ledger> {
    const before = this.#ledgers.get(siteId);
    const [bytesBefore, filesBefore, lessBefore] = [before?.addedBytes ?? 0, before?.addedFiles ?? 0, before?.lessBytes ?? 0];
    const scannedAt = this.#deps.clock.now();
    const { limits } = requireSpec(this.#deps.sites, siteId);
    const jail = jailOf(this.#deps.sites, siteId);
    // Its folder may go away at any moment, with the site.
    const usage = await translatedAsync("", () => (this.#deps.scan ?? scanUsage)(jail, limits.files));
    const during = this.#ledgers.get(siteId);
    const ledger: Ledger = {
      usage,
      scannedAt,
      addedBytes: Math.max(0, (during?.addedBytes ?? 0) - bytesBefore),
      addedFiles: Math.max(0, (during?.addedFiles ?? 0) - filesBefore),
      lessBytes: Math.max(0, (during?.lessBytes ?? 0) - lessBefore),
      isDoubtful: false,
    };
    this.#ledgers.set(siteId, ledger);
    return ledger;
  }

  // Long writes see what others take of the disk meanwhile. When it cannot be asked, the old figure, less what was taken, stands.
  #refreshFree(siteId: number): void {
    if (this.#disk !== undefined && this.#deps.clock.now() - this.#disk.at < freeIsGoodMs) return;
    this.#free(siteId).then(undefined, () => undefined);
  }

  async #free(siteId: number): Promise<{ readonly bytes: number; taken: number }> {
    const now = this.#deps.clock.now();
    if (this.#disk === undefined || now - this.#disk.at >= freeIsGoodMs) {
      const bytes = await translatedAsync("", () => (this.#deps.freeBytes ?? askFree)(this.#deps.sites.folderOf(siteId)));
      this.#disk = { bytes, at: now, taken: 0 };
    }
    return this.#disk;
  }
}

async function askFree(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
