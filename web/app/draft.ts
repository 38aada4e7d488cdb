// What a form holds beside what is saved. Others change the same thing meanwhile: what nobody has touched here follows, what was typed stays.

/** What is typed, and what was saved when it was last compared. The change is the draft against its base, never against something older. */
export interface Held<Base, Draft> {
  readonly base: Base;
  readonly draft: Draft;
}

/** How a kind of form makes a draft and takes over what was saved by others. */
export interface DraftRules<Base, Draft> {
  readonly draftOf: (saved: Base) => Draft;
  /** The same draft over something newer. */
  readonly rebase: (held: Held<Base, Draft>, saved: Base) => Draft;
  readonly isSame: (a: Base, b: Base) => boolean;
}

/** What a form holds once something else is saved; the very same when nothing is. */
export function following<Base, Draft>(rules: DraftRules<Base, Draft>, held: Held<Base, Draft>, saved: Base): Held<Base, Draft> {
  return rules.isSame(held.base, saved) ? held : { base: saved, draft: rules.rebase(held, saved) };
}

/** For drafts whose fields are those that are saved, each of them a plain value. */
export function fieldRules<Fields extends object>(): DraftRules<Fields, Fields> {
  return { draftOf: (saved) => saved, rebase: ({ base, draft }, saved) => ({ ...saved, ...changedFields(base, draft) }), isSame: isSameFields };
}

/** The fields in which a draft differs from its base. */
export function changedFields<Fields extends object>(base: Fields, draft: Fields): Partial<Fields> {
  const before = new Map<string, unknown>(Object.entries(base));
  // Only keys of the fields with values of theirs are left.
  return Object.fromEntries(Object.entries(draft).filter(([key, value]) => !Object.is(before.get(key), value))) as Partial<Fields>;
}

export function isSameFields<Fields extends object>(a: Fields, b: Fields): boolean {
  return Object.keys(changedFields(a, b)).length === 0;
}
