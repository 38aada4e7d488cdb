import type { Page } from "./page.ts";

/** What decides how a request is answered. */
export interface AnswerFacts {
  readonly page: Page | undefined;
  /** The request carries cookies or authorisation. */
  readonly isSignedIn: boolean;
  /** The program does not run now, or its visitors are held back. */
  readonly isAsleep: boolean;
  /** A person asks to be sure that it is the newest. */
  readonly wantsNewest: boolean;
  /** It has waited for what another asked. */
  readonly isCollapsed: boolean;
  readonly now: number;
}

/**
 * - `fresh`: the page as it is; `asleep`, `revalidating`: an old one, since the program sleeps, or while a newer one is fetched.
 * - `just-come`: what another asked for while this one waited, though it is old already.
 * - `ask`: the program, with whoever wants the same; `own`: the program, for itself.
 */
export type AnswerChoice = "fresh" | "asleep" | "revalidating" | "just-come" | "ask" | "own";

/** Decides how a request is answered (RFC 9111, section 4). Pure. */
export function chooseAnswer({ page, isSignedIn, isAsleep, wantsNewest, isCollapsed, now }: AnswerFacts): AnswerChoice {
  if (page === undefined) return "ask";
  // A page that is not for everyone is not for those who might have got another.
  if (isSignedIn && !page.isPublic) return "own";
  if (wantsNewest) return "ask";
  if (now < page.freshUntil) return "fresh";
  if (isAsleep && now < page.asleepUntil) return "asleep";
  if (now < page.revalidateUntil) return "revalidating";
  return isCollapsed ? "just-come" : "ask";
}
