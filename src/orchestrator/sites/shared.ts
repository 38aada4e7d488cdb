/** Lets all who ask for the same thing while it is under way wait for one result. */
export class Shared<K, T> {
  #underWay: { readonly key: K; readonly result: Promise<T> } | null = null;

  /** What is waited for right now: the latest, when several were asked for. */
  get result(): Promise<T> | null {
    return this.#underWay?.result ?? null;
  }

  run(key: K, work: () => Promise<T>): Promise<T> {
    if (this.#underWay?.key === key) return this.#underWay.result;
    const result = work().finally(() => {
      if (this.#underWay?.result === result) this.#underWay = null;
    });
    this.#underWay = { key, result };
    return result;
  }
}
