import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef } from "react";
import { cx } from "../class-names.ts";

interface Props {
  readonly label: string;
  /** Where to a part grows when the bar is dragged there. */
  readonly direction: "right" | "up";
  readonly px: number;
  readonly range: readonly [least: number, most: number];
  readonly onResize: (px: number) => void;
  readonly onDone: (px: number) => void;
}

/** Pixels that an arrow key moves it by. */
const keyPx = 24;

/** The edge between two parts of the page, to be dragged or moved with the arrow keys. */
export function ResizeBar({ label, direction, px, range, onResize, onDone }: Props): ReactNode {
  const start = useRef<{ at: number; px: number } | null>(null);
  const isUp = direction === "up";
  const held = (value: number): number => Math.round(Math.max(range[0], Math.min(range[1], value)));
  const at = (event: PointerEvent): number => (isUp ? -event.clientY : event.clientX);
  const sized = (event: PointerEvent): number => held((start.current?.px ?? px) + at(event) - (start.current?.at ?? 0));
  const onKeyDown = (event: KeyboardEvent): void => {
    const [more, less] = isUp ? ["ArrowUp", "ArrowDown"] : ["ArrowRight", "ArrowLeft"];
    if (event.key !== more && event.key !== less) return;
    event.preventDefault();
    const next = held(px + (event.key === more ? keyPx : -keyPx));
    onResize(next);
    onDone(next);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved; this can.
    <div
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={isUp ? "horizontal" : "vertical"}
      aria-valuenow={px}
      aria-valuemin={range[0]}
      aria-valuemax={range[1]}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        start.current = { at: at(event), px };
        event.currentTarget.setPointerCapture(event.pointerId);
        event.preventDefault();
      }}
      onPointerMove={(event) => start.current !== null && onResize(sized(event))}
      onPointerUp={(event) => {
        if (start.current !== null) onDone(sized(event));
        start.current = null;
      }}
      className={cx(
        "absolute z-10 touch-none hover:bg-accent/40 focus-visible:bg-accent/60",
        isUp ? "inset-x-0 -top-1 h-2 cursor-row-resize" : "inset-y-0 -right-1 w-2 cursor-col-resize",
      )}
    />
  );
}
