import { X } from "lucide-react";
import { Dialog as RadixDialog } from "radix-ui";
import type { ReactNode } from "react";
import { IconButton } from "../button.tsx";
import { useFocusReturn } from "../use-focus-return.ts";

interface Props {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
}

/** What stands beside the editor on a wide page comes from the side on a narrow one. */
export function Drawer({ isOpen, onClose, title, children }: Props): ReactNode {
  const focus = useFocusReturn();
  return (
    <RadixDialog.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="fixed inset-0 z-40 bg-shade" />
        <RadixDialog.Content
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => {
            focus.onOpen();
            // Itself, not its first button: on a phone nothing is marked that nobody has touched.
            event.preventDefault();
            if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
          }}
          onCloseAutoFocus={focus.onClose}
          className="fixed inset-y-0 left-0 z-40 flex w-[min(22rem,88vw)] animate-appear flex-col border-line border-r bg-surface shadow-float focus:outline-none"
        >
          <div className="flex h-12 shrink-0 items-center justify-between border-line border-b pl-4">
            <RadixDialog.Title className="truncate font-semibold">{title}</RadixDialog.Title>
            <RadixDialog.Close asChild>
              <IconButton label="Close">
                <X aria-hidden="true" />
              </IconButton>
            </RadixDialog.Close>
          </div>
          <div className="min-h-0 flex-1">{children}</div>
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}
