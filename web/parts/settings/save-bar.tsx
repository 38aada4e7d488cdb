import type { ReactNode } from "react";
import { wordsOf } from "../../app/api.ts";
import { Button } from "../button.tsx";
import { ProblemBox } from "../problem-box.tsx";

interface Props {
  readonly isChanged: boolean;
  readonly isSaving: boolean;
  readonly error: unknown;
  readonly label?: string;
  readonly note?: string;
  readonly onDiscard: () => void;
}

/** Appears when something differs from what is saved, inside the form that it saves. */
export function SaveBar({ isChanged, isSaving, error, label = "Save changes", note, onDiscard }: Props): ReactNode {
  return (
    <div aria-live="polite">
      {error !== null && error !== undefined && (
        <div className="mt-5">
          <ProblemBox title={wordsOf(error)} />
        </div>
      )}
      {isChanged && (
        <div className="mt-5 flex animate-appear flex-wrap items-center justify-between gap-3 rounded-xl bg-tint px-4 py-3">
          <p className="text-[0.9375rem]">{note ?? "You have changes that are not saved."}</p>
          <div className="flex gap-2">
            <Button onClick={onDiscard} disabled={isSaving}>
              Discard
            </Button>
            <Button type="submit" variant="primary" busy={isSaving && "Saving…"}>
              {label}
            </Button>
          </div>
        </div>
      )}
    </div>
  );
}
