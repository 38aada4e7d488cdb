import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { type SiteSpec, siteSpec } from "#contract/site-spec.ts";
import type { Log } from "#kit/log.ts";
import { createSeal } from "#kit/seal.ts";
import { syncFolder, writeDurably } from "./write-durably.ts";

const suffix = ".sealed";
const readAtOnce = 32;

/** The last specification of every site, encrypted on disk: with it sites wake while the manager is away. */
export class SpecStore {
  readonly #folder: string;
  readonly #secret: Uint8Array;
  readonly #specs = new Map<number, SiteSpec>();

  private constructor(folder: string, secret: Uint8Array) {
    this.#folder = folder;
    this.#secret = secret;
  }

  /** Reads everything there is. A file that cannot be opened is reported and left: the manager applies the site again. */
  static async open(options: { readonly folder: string; readonly secret: Uint8Array; readonly log: Log }): Promise<SpecStore> {
    const store = new SpecStore(options.folder, options.secret);
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const names = (await readdir(options.folder)).filter((name) => name.endsWith(suffix));
    for (let start = 0; start < names.length; start += readAtOnce) {
      await Promise.all(names.slice(start, start + readAtOnce).map((name) => store.#load(name, options.log)));
    }
    return store;
  }

  get(siteId: number): SiteSpec | undefined {
    return this.#specs.get(siteId);
  }

  all(): readonly SiteSpec[] {
    return [...this.#specs.values()];
  }

  /** Keeps a specification unless a newer one is there; says which one holds now. One call at a time for one site. */
  async put(spec: SiteSpec): Promise<SiteSpec> {
    const known = this.#specs.get(spec.siteId);
    if (known !== undefined && known.revision > spec.revision) return known;
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(spec)) return known;
    await writeDurably(this.#file(spec.siteId), this.#sealOf(spec.siteId).seal(JSON.stringify(spec)));
    this.#specs.set(spec.siteId, spec);
    return spec;
  }

  /** The site is going: nobody finds its specification any more, but a crash brings it back until it is deleted. */
  withdraw(siteId: number): void {
    this.#specs.delete(siteId);
  }

  async delete(siteId: number): Promise<void> {
    await rm(this.#file(siteId), { force: true });
    await syncFolder(this.#folder);
    this.#specs.delete(siteId);
  }

  async #load(name: string, log: Log): Promise<void> {
    const siteId = Number(name.slice(0, -suffix.length));
    try {
      const text = this.#sealOf(siteId).open(await readFile(`${this.#folder}/${name}`, "utf8"));
      const spec = siteSpec.parse(JSON.parse(text));
      if (spec.siteId !== siteId) throw new Error("the specification is another site's");
      this.#specs.set(siteId, spec);
    } catch (err) {
      log.error({ err, siteId }, "a site's specification cannot be read");
    }
  }

  // A key for each site, so that one site's file cannot stand in for another's.
  #sealOf(siteId: number): ReturnType<typeof createSeal> {
    return createSeal(this.#secret, `specification of site ${siteId}`);
  }

  #file(siteId: number): string {
    return `${this.#folder}/${siteId}${suffix}`;
  }
}
