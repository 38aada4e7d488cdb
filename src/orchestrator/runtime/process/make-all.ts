/** Makes one of each; when one cannot be made, those before it are given up and its error goes on. */
export function makeAll<A, T>(of: readonly A[], how: { readonly make: (one: A) => T; readonly giveUp: (made: T) => void }): readonly T[] {
  const made: T[] = [];
  try {
    for (const one of of) made.push(how.make(one));
  } catch (error) {
    for (const one of made) how.giveUp(one);
    throw error;
  }
  return made;
}
