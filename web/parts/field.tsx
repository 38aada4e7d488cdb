import { CircleAlert, Eye, EyeOff } from "lucide-react";
import { Switch as RadixSwitch } from "radix-ui";
import { type ComponentProps, type ReactNode, useId, useState } from "react";
import { IconButton } from "./button.tsx";
import { cx } from "./class-names.ts";

export interface ControlProps {
  readonly id: string;
  readonly "aria-describedby"?: string;
  readonly "aria-invalid"?: true;
}

interface FieldProps {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly error?: string | null;
  readonly className?: string;
  /** Gets what ties the control to its label, hint and error. */
  readonly children: (control: ControlProps) => ReactNode;
}

/** A labelled control with its hint and its error. */
export function Field({ label, hint, error, className, children }: FieldProps): ReactNode {
  const id = useId();
  const hasError = typeof error === "string" && error !== "";
  const described = [hint !== undefined ? `${id}-hint` : "", hasError ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div className={cx("flex flex-col gap-1.5", className)}>
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children({ id, ...(described === "" ? {} : { "aria-describedby": described }), ...(hasError ? { "aria-invalid": true as const } : {}) })}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-sm text-soft">
          {hint}
        </p>
      )}
      {/* The region stays, so that a new error is announced. */}
      <p id={`${id}-error`} aria-live="polite" className={cx("flex items-start gap-1.5 text-sm text-bad", !hasError && "sr-only")}>
        {hasError && (
          <>
            <CircleAlert className="mt-0.5 size-4 shrink-0" aria-hidden="true" />
            <span>{error}</span>
          </>
        )}
      </p>
    </div>
  );
}

export function TextInput({ className, ...rest }: ComponentProps<"input">): ReactNode {
  return <input className={cx("control", className)} {...rest} />;
}

export function TextArea({ className, ...rest }: ComponentProps<"textarea">): ReactNode {
  return <textarea className={cx("control", className)} {...rest} />;
}

export function Select({ className, ...rest }: ComponentProps<"select">): ReactNode {
  return <select className={cx("control pr-8", className)} {...rest} />;
}

export function PasswordInput(props: Omit<ComponentProps<"input">, "type">): ReactNode {
  const [isShown, setShown] = useState(false);
  return (
    <div className="relative">
      <input {...props} className="control pr-12" type={isShown ? "text" : "password"} spellCheck={false} autoCapitalize="none" />
      <IconButton
        label={isShown ? "Hide the password" : "Show the password"}
        aria-pressed={isShown}
        className="absolute top-0 right-0 sm:size-11"
        onClick={() => setShown(!isShown)}
      >
        {isShown ? <EyeOff aria-hidden="true" /> : <Eye aria-hidden="true" />}
      </IconButton>
    </div>
  );
}

interface SwitchProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
}

/** A setting that is on or off, with its explanation beside it. */
export function SwitchField({ label, hint, checked, disabled, onChange }: SwitchProps): ReactNode {
  const id = useId();
  return (
    <div className={cx("flex min-h-11 gap-3", hint === undefined ? "items-center" : "items-start")}>
      <RadixSwitch.Root
        id={id}
        checked={checked}
        disabled={disabled ?? false}
        onCheckedChange={onChange}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        className="relative h-6 w-11 shrink-0 rounded-full border border-edge bg-sunken transition-colors before:absolute before:-inset-3 data-[state=checked]:border-accent data-[state=checked]:bg-accent disabled:opacity-50"
      >
        <RadixSwitch.Thumb className="block size-4 translate-x-[3px] rounded-full bg-edge transition-transform data-[state=checked]:translate-x-[23px] data-[state=checked]:bg-on-accent" />
      </RadixSwitch.Root>
      <div>
        <label htmlFor={id} className="font-medium text-[0.9375rem]">
          {label}
        </label>
        {hint !== undefined && (
          <p id={`${id}-hint`} className="text-sm text-soft">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
