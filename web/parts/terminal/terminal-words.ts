import type { LinkState } from "./terminal-link.ts";

/** What to say of a terminal that does not just work; null when there is nothing to say. */
export function wordsOfLink(state: LinkState): { readonly text: string; readonly isOver: boolean } | null {
  switch (state.kind) {
    case "open":
      return null;
    case "connecting":
      return { text: "Connecting…", isOver: false };
    case "lost":
      return { text: "The connection was lost. Connecting again; your programs go on meanwhile.", isOver: false };
    case "ended":
      return { text: endWords(state), isOver: true };
    case "closed":
      return { text: closingWords[state.reason], isOver: true };
  }
}

function endWords({ code, signal }: Extract<LinkState, { readonly kind: "ended" }>): string {
  if (signal !== null) return `The shell was ended by ${signal}.`;
  return code === 0 || code === null ? "The shell has ended." : `The shell has ended with code ${code}.`;
}

const closingWords: Readonly<Record<Extract<LinkState, { readonly kind: "closed" }>["reason"], string>> = {
  idle: "Nothing happened here for long, so this terminal was closed.",
  too_long: "This terminal was open for as long as one may be, and was closed.",
  access_changed: "Your access to this site, or the site itself, has changed, so this terminal was closed.",
  closed: "This terminal was closed.",
  site_full: "The site's files have outgrown their limit, so everything that writes was ended. Delete something first.",
  platform_stopping: "Backlot was restarted, and this terminal ended with it.",
  slow_reader: "This page could not follow what the terminal showed.",
  gone: "This terminal has ended meanwhile.",
};

/** What tells how to leave a terminal, in which Tab belongs to the program. */
export const leavingHintId = "leaving-the-terminal";
