/** The key under which a request is sent, however often, until it has succeeded or is another request. */
export interface RequestKey {
  /** The same one as long as the same is asked for. */
  readonly keyFor: (request: unknown) => string;
  /** What was asked for is done: asked again it is something new. */
  readonly done: () => void;
}

/** A repeated request after a lost answer is told by its key from a second wish. */
export function createRequestKey(newKey: () => string = randomKey): RequestKey {
  let held: { readonly request: string; readonly key: string } | null = null;
  return {
    keyFor: (wish) => {
      const request = JSON.stringify(wish);
      if (held?.request !== request) held = { request, key: newKey() };
      return held.key;
    },
    done: () => {
      held = null;
    },
  };
}

/** Nothing guessable. `crypto.randomUUID` would be shorter, but browsers lack it where the dashboard is reached by plain HTTP. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
