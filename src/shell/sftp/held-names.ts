/** How many names may be held at once: by one person, and by all together. A name takes some 340 bytes of the process, which other doors share. */
export interface HeldNamesLimits {
  readonly perPerson: number;
  readonly all: number;
}

const usual: HeldNamesLimits = { perPerson: 100_000, all: 500_000 };

/** Counts the names of folders that are open by SFTP and were not read to their end. */
export class HeldNames {
  readonly #limits: HeldNamesLimits;
  readonly #byPerson = new Map<string, number>();
  #all = 0;

  constructor(limits: HeldNamesLimits = usual) {
    this.#limits = limits;
  }

  /** Takes room for so many until they are given back; says whether there was room. */
  take(person: string, count: number): boolean {
    const theirs = (this.#byPerson.get(person) ?? 0) + count;
    if (theirs > this.#limits.perPerson || this.#all + count > this.#limits.all) return false;
    this.#byPerson.set(person, theirs);
    this.#all += count;
    return true;
  }

  giveBack(person: string, count: number): void {
    const left = (this.#byPerson.get(person) ?? 0) - count;
    if (left > 0) this.#byPerson.set(person, left);
    else this.#byPerson.delete(person);
    this.#all -= count;
  }
}
