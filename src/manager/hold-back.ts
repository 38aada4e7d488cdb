import { setTimeout as delay } from "node:timers/promises";

/** Guesses at one account from one address that may wait at once: with the three seconds that each waits, this bounds how fast passwords are tried. */
const mostHeld = 8;

/** Holds tries to sign in for a while, a few for each key; says at once when there are too many. */
export function holdBack(): (key: string, seconds: number) => Promise<boolean> {
  const held = new Map<string, number>();
  return async (key, seconds) => {
    const before = held.get(key) ?? 0;
    if (before >= mostHeld) return false;
    held.set(key, before + 1);
    await delay(seconds * 1000);
    const left = (held.get(key) ?? 1) - 1;
    if (left === 0) held.delete(key);
    else held.set(key, left);
    return true;
  };
}
