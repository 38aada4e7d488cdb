import { Failure } from "#contract/failure.ts";
import type { InTurn } from "#core/accounts/sign-in.ts";

/** Each takes a core and 19 MiB for some milliseconds: more at once would only keep the manager from everything else. */
const mostAtOnce = 4;
/** Of one account from one place, and altogether. Known browsers are not counted among the latter: a flood does not keep them out. */
const mostInLine = 64;
const mostWaiting = 256;
const refusal = () => new Failure("too_many_attempts", { retryAfterSeconds: 1 });

/**
 * Lets tries to sign in one after the other where they are for the same account from the same place, and a few at once otherwise: each is
 * judged by what became of those before it. Whoever comes with a known browser goes first.
 */
export function signInTurns(): InTurn {
  const lines = new Map<string, { waiting: number; last: Promise<unknown> }>();
  const slots = new Slots();
  return async (key, work, { isKnown }) => {
    const line = lines.get(key) ?? { waiting: 0, last: Promise.resolve() };
    if (line.waiting >= mostInLine) throw refusal();
    lines.set(key, line);
    line.waiting += 1;
    const before = line.last;
    const turn = before.then(() => slots.with(isKnown, work));
    line.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      line.waiting -= 1;
      if (line.waiting === 0) lines.delete(key);
    }
  };
}

/** A few places, and two queues before them. */
class Slots {
  #free = mostAtOnce;
  readonly #known: (() => void)[] = [];
  readonly #others: (() => void)[] = [];

  async with<T>(isKnown: boolean, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(isKnown);
    try {
      return await work();
    } finally {
      const next = this.#known.shift() ?? this.#others.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  #wait(isKnown: boolean): Promise<void> {
    if (!isKnown && this.#others.length >= mostWaiting) throw refusal();
    const queue = isKnown ? this.#known : this.#others;
    return new Promise((resolve) => {
      queue.push(resolve);
    });
  }
}
