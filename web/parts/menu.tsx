import { Check } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./class-names.ts";

const itemClass =
  "flex min-h-11 select-none items-center gap-3 rounded-lg px-3 text-[0.9375rem] focus-visible:-outline-offset-3 data-[disabled]:pointer-events-none data-[highlighted]:bg-tint data-[disabled]:opacity-50 sm:min-h-9 [&_svg]:size-[1.125rem] [&_svg]:shrink-0";

interface MenuProps {
  /** The button that opens it. */
  readonly trigger: ReactNode;
  readonly align?: "start" | "end";
  readonly children: ReactNode;
}

export function Menu({ trigger, align = "end", children }: MenuProps): ReactNode {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <MenuContent align={align}>{children}</MenuContent>
    </DropdownMenu.Root>
  );
}

/** The sheet of a menu, for those that are opened by something else than a button. */
export function MenuContent({ align = "end", children }: Omit<MenuProps, "trigger">): ReactNode {
  return (
    <DropdownMenu.Portal>
      <DropdownMenu.Content
        align={align}
        sideOffset={6}
        collisionPadding={8}
        className="z-50 max-h-[calc(100dvh-1rem)] min-w-52 max-w-[calc(100vw-1rem)] animate-appear overflow-y-auto rounded-xl border border-line bg-surface p-1.5 shadow-float"
      >
        {children}
      </DropdownMenu.Content>
    </DropdownMenu.Portal>
  );
}

interface ItemProps extends ComponentProps<typeof DropdownMenu.Item> {
  readonly isDangerous?: boolean;
}

export function MenuItem({ isDangerous = false, className, ...rest }: ItemProps): ReactNode {
  return <DropdownMenu.Item className={cx(itemClass, isDangerous && "text-bad", className)} {...rest} />;
}

export function MenuLabel({ children }: { readonly children: ReactNode }): ReactNode {
  return <DropdownMenu.Label className="px-3 pt-2 pb-1 text-sm text-soft">{children}</DropdownMenu.Label>;
}

export function MenuSeparator(): ReactNode {
  return <DropdownMenu.Separator className="my-1.5 h-px bg-line" />;
}

interface ChoicesProps<T extends string> {
  readonly value: T;
  readonly choices: readonly (readonly [value: T, label: string])[];
  readonly onChoose: (value: T) => void;
}

/** One of a few, the chosen one ticked. */
export function MenuChoices<T extends string>({ value, choices, onChoose }: ChoicesProps<T>): ReactNode {
  return (
    <DropdownMenu.RadioGroup value={value}>
      {choices.map(([choice, label]) => (
        <DropdownMenu.RadioItem key={choice} value={choice} className={itemClass} onSelect={() => onChoose(choice)}>
          <span className="flex w-[1.125rem]">
            <DropdownMenu.ItemIndicator>
              <Check aria-hidden="true" />
            </DropdownMenu.ItemIndicator>
          </span>
          {label}
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  );
}
