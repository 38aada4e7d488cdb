import { useState } from "react";
import { type DraftRules, following, type Held } from "./draft.ts";

export interface DraftForm<Base, Draft> extends Held<Base, Draft> {
  readonly set: (next: Draft | ((now: Draft) => Draft)) => void;
  readonly discard: () => void;
  /** After saving: what was sent is saved now as `answer`. What was typed since stays. */
  readonly settle: (sent: Base, answer: Base) => void;
}

/** A form's draft over what is saved, through every change of that. The rules are the same ones each time. */
export function useDraft<Base, Draft>(saved: Base, rules: DraftRules<Base, Draft>): DraftForm<Base, Draft> {
  const [held, setHeld] = useState<Held<Base, Draft>>(() => ({ base: saved, draft: rules.draftOf(saved) }));
  const now = following(rules, held, saved);
  // React draws again at once, before anything is shown.
  if (now !== held) setHeld(now);
  return {
    ...now,
    set: (next) => setHeld((last) => ({ ...last, draft: typeof next === "function" ? (next as (draft: Draft) => Draft)(last.draft) : next })),
    discard: () => setHeld({ base: saved, draft: rules.draftOf(saved) }),
    settle: (sent, answer) => setHeld(({ draft }) => following(rules, { base: sent, draft }, answer)),
  };
}
