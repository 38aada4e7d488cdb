import { useSyncExternalStore } from "react";

/** Whether the page is wide enough for the tree beside the editor. */
export function useIsWide(): boolean {
  return useMediaQuery("(min-width: 56rem)");
}

function useMediaQuery(query: string): boolean {
  return useSyncExternalStore(
    (told) => {
      const list = window.matchMedia(query);
      list.addEventListener("change", told);
      return () => list.removeEventListener("change", told);
    },
    () => window.matchMedia(query).matches,
  );
}
