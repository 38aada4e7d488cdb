import { z } from "zod";

/** What a page of this browser tells the others of unsaved work. `site` is the key that the site's work is kept by. */
const news = z.union([
  /** A draft was kept, dropped or moved. */
  z.object({ kind: z.literal("changed"), user: z.string(), site: z.string(), path: z.string() }),
  /** A file or folder of the site was moved, and the drafts with it. */
  z.object({ kind: z.literal("moved"), user: z.string(), site: z.string(), from: z.string(), to: z.string() }),
  /** The person has signed in: what they type is kept, even if they had signed out before. */
  z.object({ kind: z.literal("back"), user: z.string() }),
  /** The person has signed out. It is the bare name, which pages of an older version understand too. */
  z.string().transform((user) => ({ kind: "left" as const, user })),
]);
export type DraftNews = z.output<typeof news>;

/** People whose work is not kept any more: they have signed out, and no page of theirs may write what it still holds. */
const left = new Set<string>();
const listeners = new Set<(told: DraftNews) => void>();
const channel = new BroadcastChannel("backlot-drafts");

channel.onmessage = ({ data }: MessageEvent<unknown>) => {
  const told = news.safeParse(data);
  if (told.success) hear(told.data);
};

function hear(told: DraftNews): void {
  if (told.kind === "left") left.add(told.user);
  if (told.kind === "back") left.delete(told.user);
  for (const listener of [...listeners]) listener(told);
}

/** Tells the other pages of this browser. */
export function tellOthers(told: DraftNews): void {
  channel.postMessage(told.kind === "left" ? told.user : told);
}

/** Tells the other pages of this browser, and this one. */
export function tellAll(told: DraftNews): void {
  hear(told);
  tellOthers(told);
}

/** Hears what the other pages tell, for as long as this page lives. */
export function hearDrafts(listener: (told: DraftNews) => void): void {
  listeners.add(listener);
}

export function hasLeft(user: string): boolean {
  return left.has(user);
}
