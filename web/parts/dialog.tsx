import { X } from "lucide-react";
import { Dialog as RadixDialog } from "radix-ui";
import type { ReactNode } from "react";
import { IconButton } from "./button.tsx";
import { cx } from "./class-names.ts";
import { useFocusReturn } from "./use-focus-return.ts";

interface DialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly description?: ReactNode;
  /** `huge` takes nearly the whole page: for comparisons. */
  readonly size?: "normal" | "huge";
  /** False where only an answer leads on; Escape and the cross are off then. */
  readonly isDismissible?: boolean;
  readonly children: ReactNode;
}

/** A question or a small form over the page. Focus goes in and comes back. */
export function Dialog({ isOpen, onClose, title, description, size = "normal", isDismissible = true, children }: DialogProps): ReactNode {
  const { onOpen, onClose: giveBack } = useFocusReturn();
  const keep = (event: Event): void => {
    if (!isDismissible) event.preventDefault();
  };
  return (
    <RadixDialog.Root open={isOpen} onOpenChange={(open) => !open && isDismissible && onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="fixed inset-0 z-40 bg-shade backdrop-blur-[2px]" />
        <RadixDialog.Content
          onOpenAutoFocus={onOpen}
          onCloseAutoFocus={giveBack}
          onEscapeKeyDown={keep}
          onPointerDownOutside={keep}
          {...(description === undefined ? { "aria-describedby": undefined } : {})}
          className={cx(
            "fixed inset-x-3 bottom-3 z-50 max-h-[calc(100dvh-1.5rem)] animate-appear overflow-y-auto rounded-2xl border border-line bg-surface p-5 shadow-float focus:outline-none sm:inset-x-0 sm:bottom-auto sm:mx-auto sm:p-6",
            size === "huge" ? "sm:top-[4vh] sm:max-h-[92vh] sm:max-w-7xl" : "sm:top-[10vh] sm:max-h-[84vh] sm:max-w-lg",
          )}
        >
          <div className={cx("mb-4", isDismissible && "pr-10")}>
            <RadixDialog.Title className="font-semibold text-lg [overflow-wrap:anywhere]">{title}</RadixDialog.Title>
            {description !== undefined && <RadixDialog.Description className="mt-1 text-soft">{description}</RadixDialog.Description>}
          </div>
          {children}
          {/* Last in the order of the Tab key, so that the dialog opens with the focus on what it asks. */}
          {isDismissible && (
            <RadixDialog.Close asChild>
              <IconButton label="Close" className="absolute top-3 right-3">
                <X aria-hidden="true" />
              </IconButton>
            </RadixDialog.Close>
          )}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

/** What a dialog ends with; in sight however long it is. */
export function DialogActions({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <div className="sticky -bottom-5 z-10 -mx-5 -mb-5 mt-2 flex flex-col-reverse gap-2 bg-surface px-5 pt-4 pb-5 sm:-bottom-6 sm:-mx-6 sm:-mb-6 sm:flex-row sm:justify-end sm:px-6 sm:pb-6">
      {children}
    </div>
  );
}
