import { type ReactNode, useMemo } from "react";
import type { Conflict } from "../../app/edited-file.ts";
import { diffLines, foldSame } from "../../app/line-diff.ts";
import { Button } from "../button.tsx";
import { cx } from "../class-names.ts";
import { Dialog, DialogActions } from "../dialog.tsx";

interface Props {
  readonly path: string;
  readonly mine: string;
  readonly conflict: Conflict | null;
  readonly isSaving: boolean;
  readonly onKeepMine: () => void;
  readonly onTakeTheirs: () => void;
  readonly onClose: () => void;
}

/** Shows both versions of a file that was changed meanwhile, and lets a person choose. */
export function ConflictDialog({ path, mine, conflict, isSaving, onKeepMine, onTakeTheirs, onClose }: Props): ReactNode {
  const isGone = conflict !== null && conflict.etag === null;
  const theirs = conflict?.theirs ?? null;
  return (
    <Dialog
      isOpen={conflict !== null}
      onClose={onClose}
      isWide
      title={isGone ? `${path} was deleted meanwhile` : `${path} was changed meanwhile`}
      description={
        isGone
          ? "Somebody deleted or moved the file after you opened it. Save it again, or go back to the editor."
          : "Somebody saved another version after you opened it. Nothing was overwritten: choose which version to keep."
      }
    >
      {theirs !== null && <Comparison theirs={theirs.text} mine={mine} />}
      {!isGone && theirs === null && conflict !== null && <p className="text-soft">The other version is not text, so it cannot be shown here.</p>}
      <DialogActions>
        <Button onClick={onClose}>Back to the editor</Button>
        {theirs !== null && <Button onClick={onTakeTheirs}>Take the other version</Button>}
        <Button variant="primary" onClick={onKeepMine} busy={isSaving && "Saving…"}>
          {isGone ? "Save it again" : "Keep my version"}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

const signs = { same: " ", mine: "+", theirs: "−" } as const;
const words = { same: "", mine: "Only in mine: ", theirs: "Only in the other: " } as const;

function Comparison({ theirs, mine }: { readonly theirs: string; readonly mine: string }): ReactNode {
  const lines = useMemo(() => foldSame(diffLines(theirs, mine)), [theirs, mine]);
  if (lines.every((line) => line === null || line.kind === "same")) return <p className="text-soft">Both versions are the same.</p>;
  return (
    <>
      <p className="mb-2 flex flex-wrap gap-x-4 text-sm">
        <span className="text-good">
          <span className="font-mono">+</span> only in your version
        </span>
        <span className="text-bad">
          <span className="font-mono">−</span> only in the other version
        </span>
      </p>
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable for arrow keys.
        tabIndex={0}
        aria-label="Differences"
        className="max-h-[45vh] overflow-auto rounded-xl border border-line bg-sunken py-2 font-mono text-sm"
      >
        {lines.map((line, index) =>
          line === null ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity, and the list is made anew as a whole.
            <p key={index} className="px-3 py-1 text-soft">
              ⋯
            </p>
          ) : (
            <p
              // biome-ignore lint/suspicious/noArrayIndexKey: as above.
              key={index}
              className={cx(
                "flex w-max min-w-full gap-2 whitespace-pre px-3",
                line.kind === "mine" && "bg-good-tint text-good",
                line.kind === "theirs" && "bg-bad-tint text-bad",
              )}
            >
              <span aria-hidden="true">{signs[line.kind]}</span>
              <span className="sr-only">{words[line.kind]}</span>
              {line.text === "" ? " " : line.text}
            </p>
          ),
        )}
      </section>
    </>
  );
}
