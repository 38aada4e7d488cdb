import { createStore } from "./store.ts";

/** A short message at the edge of the page. */
export interface Notice {
  readonly id: number;
  readonly tone: "good" | "bad" | "plain";
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

export const notices = createStore<readonly Notice[]>([]);

const shownMs = 6000;
/** Long enough to read, find and press an offer to undo. */
const shownWithActionMs = 15_000;
/** Messages in somebody's hands: the pointer is over them, or the focus in them. */
const held = new Set<number>();
let lastId = 0;

export function notify(notice: Omit<Notice, "id">): void {
  const id = ++lastId;
  notices.set((all) => [...all, { ...notice, id }].slice(-4));
  // A failure stays until it was read.
  if (notice.tone !== "bad") leaveAfter(id, notice.action === undefined ? shownMs : shownWithActionMs);
}

/** While it is held, a message stays; let go, it stays for a while longer. */
export function holdNotice(id: number, isHeld: boolean): void {
  if (isHeld) held.add(id);
  else held.delete(id);
}

function leaveAfter(id: number, ms: number): void {
  setTimeout(() => (held.has(id) ? leaveAfter(id, shownMs) : dismissNotice(id)), ms);
}

export function dismissNotice(id: number): void {
  held.delete(id);
  notices.set((all) => all.filter((notice) => notice.id !== id));
}
