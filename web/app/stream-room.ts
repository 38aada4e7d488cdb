// A browser keeps six connections to a host over HTTP/1.1, for all of its windows together. Streams that stay open take them: with three in
// each of two windows side by side, nothing else would be answered any more. So a page has two, and what others can stand in for gives way.
import { createStore } from "./store.ts";
import { whileVisible } from "./visibility.ts";

/** Most streams of a page. */
const maxStreams = 2;
const places = createStore(0);

/** A signal that ends as that of `whileVisible`; what it is for and how long it is held. */
export interface Hold {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/** Whether a stream may be opened in whose place asking now and then would do, too. */
export function hasRoom(): boolean {
  return places.get() < maxStreams;
}

/** For a stream that nothing can stand in for: it takes a place. */
export function whileStreaming(stop: AbortSignal): Hold {
  const { signal, release } = whileVisible(stop);
  places.set((count) => count + 1);
  let isHeld = true;
  return {
    signal,
    release: () => {
      release();
      if (isHeld) places.set((count) => count - 1);
      isHeld = false;
    },
  };
}

/** For a stream that takes no place: it ends as soon as others need all of them. */
export function whileRoom(stop: AbortSignal): Hold {
  const { signal, release } = whileVisible(stop);
  const crowded = new AbortController();
  const look = (): void => {
    if (!hasRoom()) crowded.abort();
  };
  const leave = places.subscribe(look);
  look();
  return {
    signal: AbortSignal.any([signal, crowded.signal]),
    release: () => {
      leave();
      release();
    },
  };
}
