import { isLeft } from "./leaving.ts";
import type { Store } from "./store.ts";

/** Asks before the page is left as long as the store says so. Listening only then leaves pages to the cache for the "back" button. */
export function guardWhile<T>(store: Store<T>, isUnderWay: (value: T) => boolean, page: Pick<EventTarget, "addEventListener" | "removeEventListener">): void {
  const ask = (event: Event): void => {
    if (!isLeft()) event.preventDefault();
  };
  const follow = (): void => {
    // The same listener is added once, however often.
    if (isUnderWay(store.get())) page.addEventListener("beforeunload", ask);
    else page.removeEventListener("beforeunload", ask);
  };
  store.subscribe(follow);
  follow();
}
