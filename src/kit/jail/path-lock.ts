import { fstatSync } from "node:fs";

const queues = new Map<string, Promise<unknown>>();

/** Does things under a key one after another, in the order in which they came; things under other keys go on meanwhile. */
export async function withLock<T>(key: string, act: () => Promise<T>): Promise<T> {
  const before = queues.get(key) ?? Promise.resolve();
  const mine = before.then(act, act);
  queues.set(key, mine);
  try {
    return await mine;
  } finally {
    if (queues.get(key) === mine) queues.delete(key);
  }
}

/** The same under several keys; taken in one order everywhere, so that two never wait for each other. */
export function withLocks<T>(keys: readonly string[], act: () => Promise<T>): Promise<T> {
  const [first, ...rest] = [...new Set(keys)].sort();
  return first === undefined ? act() : withLock(first, () => withLocks(rest, act));
}

/** The key of an entry: the same by whatever links somebody came to its folder, and for names that look just alike. */
export function lockKey(folder: number, name: string): string {
  const { dev, ino } = fstatSync(folder);
  return `${dev}:${ino}/${name.normalize("NFC")}`;
}
