import type { ScriptView } from "#contract/task.ts";
import type { Clock } from "#kit/clock.ts";
import type { ScriptList, ScriptShelf } from "./script-shelf.ts";

/** How long a list is believed, in milliseconds: a burst of tasks must not read the folder once for each. */
const freshMs = 1_000;
/** Lists kept at most; beyond it all are forgotten, since each lives but a second. */
const maxLists = 1_000;

interface KeptList {
  readonly list: Promise<ScriptList>;
  readonly askedAt: number;
}

/** Where scripts are asked for; both throw `component_away`. */
export interface ScriptSource {
  readonly list: (siteId: number | null) => Promise<ScriptList>;
  /** One, whether lists have room for it or not. */
  readonly describe: (siteId: number | null, path: string) => Promise<ScriptView | null>;
}

/** The scripts of every place, asked for at most once a second. */
export class CachedScriptShelf implements ScriptShelf {
  readonly #source: ScriptSource;
  readonly #clock: Clock;
  readonly #kept = new Map<number | null, KeptList>();

  constructor(source: ScriptSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  list(siteId: number | null): Promise<ScriptList> {
    const kept = this.#kept.get(siteId);
    const ageMs = kept === undefined ? freshMs : this.#clock.now() - kept.askedAt;
    // One from the future is of before the clock was set back.
    return kept !== undefined && ageMs >= 0 && ageMs < freshMs ? kept.list : this.#ask(siteId);
  }

  async find(siteId: number | null, path: string): Promise<ScriptView | null> {
    const found = (await this.list(siteId)).scripts.find((script) => script.path === path);
    // Put there within the last second, perhaps, or one of more than a list takes.
    return found ?? (await this.#source.describe(siteId, path));
  }

  #ask(siteId: number | null): Promise<ScriptList> {
    if (this.#kept.size >= maxLists) this.#kept.clear();
    const kept = { list: this.#source.list(siteId), askedAt: this.#clock.now() };
    this.#kept.set(siteId, kept);
    kept.list.catch(() => {
      // What failed is asked for again by whoever comes next.
      if (this.#kept.get(siteId) === kept) this.#kept.delete(siteId);
    });
    return kept.list;
  }
}
