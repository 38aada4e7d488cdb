import { Upload } from "lucide-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { wordsOf } from "../../app/api.ts";
import { droppedFiles, maxDropped } from "../../app/dropped-files.ts";
import { notify } from "../../app/notices.ts";
import type { ChosenFile } from "../../app/uploads.ts";

interface Props {
  readonly folder: string;
  readonly isOff: boolean;
  readonly onFiles: (files: readonly ChosenFile[]) => void;
  readonly children: ReactNode;
}

const holdsFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes("Files");

/** Takes files that are dropped anywhere on the page. The upload button does the same without a mouse. */
export function DropZone({ folder, isOff, onFiles, children }: Props): ReactNode {
  const [isOver, setOver] = useState(false);
  // Entering a child comes before leaving its parent, so entries are counted.
  const depth = useRef(0);
  const leave = (): void => {
    depth.current = Math.max(0, depth.current - 1);
    if (depth.current === 0) setOver(false);
  };
  const drop = async (event: DragEvent): Promise<void> => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    if (isOff) return notify({ tone: "bad", text: "Your role on this site does not allow uploads. Ask one of its owners." });
    try {
      const files = await droppedFiles(event.dataTransfer, folder);
      onFiles(files);
      if (files.length >= maxDropped) notify({ tone: "bad", text: `Only the first ${maxDropped} files are uploaded. For more, use npx backlot deploy.` });
    } catch (error) {
      notify({ tone: "bad", text: error instanceof DOMException ? "The browser could not read what was dropped. Try the upload button." : wordsOf(error) });
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the upload button is the one for keyboards.
    <div
      className="relative min-h-96"
      onDragEnter={(event) => {
        if (!holdsFiles(event)) return;
        depth.current++;
        setOver(true);
      }}
      onDragOver={(event) => holdsFiles(event) && event.preventDefault()}
      onDragLeave={leave}
      onDrop={drop}
    >
      {children}
      {isOver && (
        <div className="pointer-events-none absolute -inset-2 z-20 flex items-center justify-center rounded-2xl border-2 border-accent border-dashed bg-tint/90">
          <p className="flex items-center gap-3 font-semibold text-lg">
            <Upload className="size-6" aria-hidden="true" />
            {isOff ? "You may not upload here" : `Drop to upload to ${folder === "" ? "the site's folder" : folder}`}
          </p>
        </div>
      )}
    </div>
  );
}
