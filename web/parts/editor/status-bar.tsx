import { AArrowDown, AArrowUp, PanelBottom, WrapText } from "lucide-react";
import type { ReactNode } from "react";
import { describeLanguage, leavingHintId } from "../../app/editor/code-setup.ts";
import { indentUnitOf, indentWords } from "../../app/editor/language.ts";
import { changeFont, editorPreferences, setPreference } from "../../app/editor/preferences.ts";
import { bytesText } from "../../app/formats.ts";
import { useStore } from "../../app/store.ts";
import { useBench } from "./bench-context.ts";
import { panelNames, panels } from "./panels.tsx";

const small =
  "flex size-7 items-center justify-center rounded text-soft hover:bg-line hover:text-ink aria-pressed:bg-tint aria-pressed:text-accent pointer-coarse:size-9 [&_svg]:size-4";

/** What is told of the file and the cursor, and how the editor looks. */
export function StatusBar(): ReactNode {
  const { path } = useBench();
  const { isWrapped, fontPx, panel } = useStore(editorPreferences);
  return (
    <div className="flex min-h-8 shrink-0 items-center gap-x-4 overflow-hidden border-line border-t bg-sunken px-2 text-[0.8125rem] text-soft [&_button]:focus-visible:-outline-offset-3">
      <div className="flex shrink-0">
        {panelNames.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={panel === name}
            onClick={() => setPreference({ panel: panel === name ? null : name })}
            className="flex h-7 items-center gap-1.5 rounded px-2 hover:bg-line hover:text-ink aria-pressed:bg-tint aria-pressed:text-accent pointer-coarse:h-9"
          >
            <PanelBottom className="size-4" aria-hidden="true" />
            {panels[name].title}
          </button>
        ))}
      </div>
      {path !== null && <SaveState path={path} />}
      {path !== null && (
        <span id={leavingHintId} className="hidden truncate lg:group-has-[.cm-content:focus]/frame:inline">
          Tab indents; Esc, then Tab leaves the text
        </span>
      )}
      <div className="ml-auto flex shrink-0 items-center gap-x-4">
        {path !== null && <FileFacts path={path} />}
        <div className="flex">
          <button type="button" className={small} aria-label="Smaller text" title={`Smaller text (now ${fontPx} px)`} onClick={() => changeFont(-1)}>
            <AArrowDown aria-hidden="true" />
          </button>
          <button type="button" className={small} aria-label="Larger text" title={`Larger text (now ${fontPx} px)`} onClick={() => changeFont(1)}>
            <AArrowUp aria-hidden="true" />
          </button>
          <button
            type="button"
            className={small}
            aria-label="Wrap long lines"
            title="Wrap long lines"
            aria-pressed={isWrapped}
            onClick={() => setPreference({ isWrapped: !isWrapped })}
          >
            <WrapText aria-hidden="true" />
          </button>
        </div>
      </div>
    </div>
  );
}

function SaveState({ path }: { readonly path: string }): ReactNode {
  const { workbench, mayWrite } = useBench();
  const file = useStore(workbench.session.files).get(path);
  if (file?.kind !== "text") return null;
  const words = !mayWrite || file.isLarge ? "Read only" : file.isSaving ? "Saving…" : file.isDirty ? "Unsaved changes" : file.saves > 0 ? "Saved" : "";
  return (
    <span role="status" className={file.isDirty ? "truncate text-warn" : "truncate"}>
      {words}
    </span>
  );
}

function FileFacts({ path }: { readonly path: string }): ReactNode {
  const { workbench } = useBench();
  const file = useStore(workbench.session.files).get(path);
  const cursor = useStore(workbench.session.cursor);
  const doc = workbench.session.stateOf(path)?.doc;
  if (file?.kind !== "text" || doc === undefined) return null;
  const unit = indentUnitOf(doc.iterLines());
  return (
    <>
      {cursor !== null && (
        <span className="tabular-nums">
          {cursor.line}:{cursor.column}
          {cursor.selected > 0 && ` (${cursor.selected} chosen)`}
        </span>
      )}
      <span className="max-md:hidden">{unit === null ? "" : indentWords(unit)}</span>
      {file.lineEnd === "\r\n" && <span className="max-md:hidden">Windows line ends</span>}
      <span className="max-md:hidden">{bytesText(file.size)}</span>
      <span className="max-sm:hidden">{describeLanguage(path, doc.line(1).text)?.name ?? "Plain text"}</span>
    </>
  );
}
