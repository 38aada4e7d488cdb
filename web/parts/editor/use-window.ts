import { type RefObject, useCallback, useEffect, useState } from "react";

/** Lines drawn above and below what is in sight. */
const spare = 12;

interface Lines {
  readonly rowPx: number;
  readonly count: number;
}

/** Which lines of a long list are to be drawn, and how to bring one into sight. */
export function useWindow(box: RefObject<HTMLElement | null>, { rowPx, count }: Lines) {
  const [seen, setSeen] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void => {
      const top = Math.floor(element.scrollTop / rowPx);
      const height = element.clientHeight;
      setSeen((before) => (before.top === top && before.height === height ? before : { top, height }));
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const resized = new ResizeObserver(look);
    resized.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      resized.disconnect();
    };
  }, [box, rowPx]);
  const scrollTo = useCallback(
    (index: number): void => {
      const element = box.current;
      if (element === null) return;
      const top = index * rowPx;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + rowPx * 1.5 > element.scrollTop + element.clientHeight) element.scrollTop = top + rowPx * 1.5 - element.clientHeight;
    },
    [box, rowPx],
  );
  const first = Math.max(0, Math.min(seen.top, count) - spare);
  return { first, last: Math.min(count, seen.top + Math.ceil(seen.height / rowPx) + spare), scrollTo };
}
