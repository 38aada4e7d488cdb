import type { ReactNode } from "react";
import { wordsOf } from "../app/api.ts";
import { Button } from "./button.tsx";
import { Dialog, DialogActions } from "./dialog.tsx";
import { ProblemBox } from "./problem-box.tsx";

interface ConfirmProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
  /** What the button does, as a verb: "Delete 3 files". */
  readonly confirmLabel: string;
  readonly busyLabel: string;
  readonly isBusy: boolean;
  readonly error?: unknown;
  readonly isDangerous?: boolean;
  readonly onConfirm: () => void;
}

/** Asks before something that cannot simply be taken back. */
export function ConfirmDialog(props: ConfirmProps): ReactNode {
  const { isOpen, onClose, title, children, confirmLabel, busyLabel, isBusy, error, isDangerous = true, onConfirm } = props;
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={title}>
      <div className="text-soft [&_strong]:text-ink">{children}</div>
      {error !== null && error !== undefined && (
        <div className="mt-4">
          <ProblemBox title={wordsOf(error)} />
        </div>
      )}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button variant={isDangerous ? "danger" : "primary"} busy={isBusy && busyLabel} onClick={onConfirm}>
          {confirmLabel}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
