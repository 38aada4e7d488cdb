/** Those who wait until nothing is under way any more. */
export class Drain {
  readonly #watchers = new Set<() => void>();

  /** Something has ended: whoever waits looks again. */
  look(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Resolves with what is left: as soon as that is nothing, or after `waitMs`. */
  wait(waitMs: number, left: () => number): Promise<number> {
    if (left() === 0) return Promise.resolve(0);
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#watchers.delete(check);
        clearTimeout(timer);
        resolve(left());
      };
      const check = (): void => {
        if (left() === 0) finish();
      };
      const timer = setTimeout(finish, waitMs);
      this.#watchers.add(check);
    });
  }
}
