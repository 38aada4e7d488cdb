import { useRef } from "react";

const isLasting = (element: Element | null): element is HTMLElement =>
  element instanceof HTMLElement && element !== document.body && element.closest("[role=menu]") === null;

/** What last had the focus, beside the lines of menus: those are gone when the dialog that they opened is closed. */
let last: HTMLElement | null = null;
document.addEventListener("focusin", ({ target }) => {
  if (target instanceof Element && isLasting(target)) last = target;
});

/** For Radix's dialogs, which give the focus back to a trigger of their own only, and are opened by all kinds of things here. */
export function useFocusReturn(): { readonly onOpen: () => void; readonly onClose: (event: Event) => void } {
  const opener = useRef<HTMLElement | null>(null);
  return {
    onOpen: () => {
      opener.current = isLasting(document.activeElement) ? document.activeElement : last;
    },
    onClose: (event) => {
      event.preventDefault();
      const back = opener.current?.isConnected === true ? opener.current : document.getElementById("main");
      back?.focus();
    },
  };
}
