import { vi } from "vitest";

const wall = Date.now.bind(Date);
const steady = performance.now.bind(performance);

/** Whoever asks `Date.now` hears of a clock that is so much ahead, or behind; `vi.restoreAllMocks()` sets it right. */
export function setClock(byMs: number): void {
  vi.spyOn(Date, "now").mockImplementation(() => wall() + byMs);
}

/** So much time has passed, by the clock that nobody sets. */
export function letPass(ms: number): void {
  vi.spyOn(performance, "now").mockImplementation(() => steady() + ms);
}
