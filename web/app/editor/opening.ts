import type { Content } from "./content.ts";
import { onDraft } from "./decide.ts";
import type { Draft } from "./drafts.ts";
import type { TextBuffer } from "./text-buffer.ts";

export type TextContent = Extract<Content, { kind: "text" }>;

/** How a file begins to be shown: with what the site holds, or with unsaved work that the browser kept. */
export interface Opening extends Pick<TextBuffer, "isDirty" | "onDisk"> {
  readonly content: Omit<TextContent, "kind">;
  readonly saved: string;
  readonly savedEtag: string | null;
  /** The draft says nothing that the site does not hold. */
  readonly isDraftOver: boolean;
}

/** What is shown of a text file when the browser kept this of it. */
export function openingOf(content: TextContent, kept: Draft | undefined): Opening {
  const held = { saved: content.text.text, savedEtag: content.etag };
  const decision = kept === undefined ? "drop" : onDraft({ base: kept.base, disk: content.etag, isSame: kept.text === content.text.text });
  if (kept === undefined || decision === "drop") return { content, isDirty: false, onDisk: "same", isDraftOver: kept !== undefined, ...held };
  const { text, lineEnd, hasMark } = kept;
  const isBeside = decision !== "resume";
  const etag = isBeside ? kept.base : content.etag;
  return { content: { ...content, etag, text: { text, lineEnd, hasMark } }, isDirty: true, onDisk: isBeside ? "changed" : "same", isDraftOver: false, ...held };
}

/** What is shown of a file that only the browser still has. */
export function openingOfLost({ text, lineEnd, hasMark }: Draft): Opening {
  const content = { text: { text, lineEnd, hasMark }, etag: null, size: text.length };
  return { content, isDirty: true, onDisk: "gone", saved: "", savedEtag: null, isDraftOver: false };
}
