import { LoaderCircle } from "lucide-react";
import { type ComponentProps, type MouseEvent, type ReactNode, useEffect, useRef } from "react";
import { cx } from "./class-names.ts";

export type ButtonVariant = "primary" | "plain" | "quiet" | "danger";

const variants: Readonly<Record<ButtonVariant, string>> = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong border-transparent",
  plain: "bg-surface text-ink border-edge/60 hover:bg-sunken",
  quiet: "border-transparent text-ink hover:bg-sunken",
  danger: "bg-bad-fill text-on-bad border-transparent hover:opacity-90",
};

/** The look of a button, for links that act like one too. */
export function buttonClass(variant: ButtonVariant = "plain", extra?: string): string {
  return cx(
    "inline-flex min-h-11 select-none items-center justify-center gap-2 whitespace-nowrap rounded-[0.625rem] border px-4 text-[0.9375rem] font-medium transition-colors sm:min-h-10",
    "disabled:pointer-events-none disabled:opacity-55 [&_svg]:size-[1.125rem] [&_svg]:shrink-0",
    variants[variant],
    extra,
  );
}

interface ButtonProps extends ComponentProps<"button"> {
  readonly variant?: ButtonVariant;
  /** While set, the button is off and says this: a spinner never stands without words. */
  readonly busy?: string | false | null;
}

export function Button({ variant = "plain", busy, className, children, disabled, type = "button", onClick, ...rest }: ButtonProps): ReactNode {
  const isBusy = typeof busy === "string";
  const notePress = useFocusKept(isBusy);
  return (
    <button
      type={type}
      className={buttonClass(variant, className)}
      disabled={disabled === true || isBusy}
      aria-busy={isBusy || undefined}
      onClick={(event) => {
        notePress(event);
        onClick?.(event);
      }}
      {...rest}
    >
      {isBusy ? (
        <>
          <LoaderCircle className="animate-spin" aria-hidden="true" />
          {busy}
        </>
      ) : (
        children
      )}
    </button>
  );
}

/** A button that is off loses the focus; when what was asked of it is done, it gets it back unless something else has it by then. */
function useFocusKept(isBusy: boolean): (event: MouseEvent<HTMLButtonElement>) => void {
  const pressed = useRef<HTMLButtonElement | null>(null);
  useEffect(() => {
    if (!isBusy) return undefined;
    return () => {
      const button = pressed.current;
      pressed.current = null;
      // After the button is on again.
      if (button !== null) requestAnimationFrame(() => document.activeElement === document.body && button.focus());
    };
  }, [isBusy]);
  return ({ currentTarget }) => {
    // Enter in a field of its form presses it too, and leaves the focus there.
    pressed.current = document.activeElement === currentTarget ? currentTarget : null;
  };
}

interface IconButtonProps extends ComponentProps<"button"> {
  /** Read out, and shown on hover. */
  readonly label: string;
}

export function IconButton({ label, className, type = "button", children, ...rest }: IconButtonProps): ReactNode {
  return (
    <button
      type={type}
      aria-label={label}
      title={label}
      className={cx(
        "icon-button inline-flex shrink-0 items-center justify-center rounded-[0.625rem] text-soft transition-colors hover:bg-sunken hover:text-ink disabled:opacity-50 [&_svg]:size-5",
        className,
      )}
      {...rest}
    >
      {children}
    </button>
  );
}
