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
let lastId = 0;

export function notify(notice: Omit<Notice, "id">): void {
  const id = ++lastId;
  notices.set((all) => [...all, { ...notice, id }].slice(-4));
  // A failure stays until it was read.
  if (notice.tone !== "bad") setTimeout(() => dismissNotice(id), notice.action === undefined ? shownMs : shownWithActionMs);
}

export function dismissNotice(id: number): void {
  notices.set((all) => all.filter((notice) => notice.id !== id));
}
