import { type ElementType, type ReactNode, useEffect } from "react";

interface Props {
  readonly as?: ElementType;
  readonly children?: ReactNode;
  // Asked for by Radix; a page that does not scroll needs neither.
  readonly allowPinchZoom?: boolean;
  readonly shards?: unknown;
}

let locks = 0;

/**
 * Stands in for the package of the same name (vite.config.ts): it holds the page behind a dialog still by an attribute
 * that the style sheet answers to, and writes no <style> element, which the content security policy would refuse.
 */
export function RemoveScroll({ as: Wrapper = "div", allowPinchZoom: _pinch, shards: _shards, ...rest }: Props): ReactNode {
  useEffect(() => {
    locks++;
    document.documentElement.dataset.scrollLocked = "";
    return () => {
      locks--;
      if (locks === 0) delete document.documentElement.dataset.scrollLocked;
    };
  }, []);
  return <Wrapper {...rest} />;
}
