import { LoaderCircle } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
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

export function Button({ variant = "plain", busy, className, children, disabled, type = "button", ...rest }: ButtonProps): ReactNode {
  const isBusy = typeof busy === "string";
  return (
    <button type={type} className={buttonClass(variant, className)} disabled={disabled === true || isBusy} aria-busy={isBusy || undefined} {...rest}>
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
