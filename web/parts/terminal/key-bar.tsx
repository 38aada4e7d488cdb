import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { Screen } from "./screen.ts";

const keyClass =
  "inline-flex h-11 min-w-11 flex-1 select-none items-center justify-center rounded-lg border border-edge/60 bg-surface px-2 font-medium text-sm active:bg-tint aria-pressed:border-accent aria-pressed:bg-tint [&_svg]:size-[1.125rem]";

const arrows = [
  { letter: "D", label: "Arrow left", Icon: ArrowLeft },
  { letter: "A", label: "Arrow up", Icon: ArrowUp },
  { letter: "B", label: "Arrow down", Icon: ArrowDown },
  { letter: "C", label: "Arrow right", Icon: ArrowRight },
] as const;

/** The keys that a phone's keyboard does not have. */
export function KeyBar({ screen }: { readonly screen: () => Screen | undefined }): ReactNode {
  const [isControl, setControl] = useState(false);
  const hold = (): void => {
    const now = screen();
    if (now === undefined) return;
    now.isControl = !now.isControl;
    now.onControlUsed = () => setControl(false);
    setControl(now.isControl);
    now.focus();
  };
  // Pressed without taking the focus, so that the phone's keyboard stays.
  const press = (act: (on: Screen) => void) => ({
    onPointerDown: (event: { preventDefault: () => void }) => event.preventDefault(),
    onClick: () => {
      const now = screen();
      if (now !== undefined) act(now);
    },
  });
  return (
    <div role="toolbar" aria-label="Keys" className="flex shrink-0 gap-1.5 border-line border-t bg-sunken p-1.5 not-pointer-coarse:hidden">
      <button type="button" className={keyClass} {...press((on) => on.type("\u001b"))}>
        Esc
      </button>
      <button type="button" className={keyClass} {...press((on) => on.type("\t"))}>
        Tab
      </button>
      <button type="button" className={keyClass} aria-pressed={isControl} {...press(hold)}>
        Ctrl
      </button>
      {arrows.map(({ letter, label, Icon }) => (
        <button key={letter} type="button" aria-label={label} className={keyClass} {...press((on) => on.arrow(letter))}>
          <Icon aria-hidden="true" />
        </button>
      ))}
    </div>
  );
}
