import { X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { editorPreferences, setPreference } from "../../app/editor/preferences.ts";
import { useStore } from "../../app/store.ts";
import { IconButton } from "../button.tsx";
import { useBench } from "./bench-context.ts";
import { panels } from "./panels.tsx";
import { ResizeBar } from "./resize-bar.tsx";

/** What runs beside the editor: the site's log, say. */
export function BottomPanel(): ReactNode {
  const { site } = useBench();
  const { panel, panelPx } = useStore(editorPreferences);
  const [px, setPx] = useState(panelPx);
  if (panel === null) return null;
  const { Content } = panels[panel];
  return (
    <section aria-label="Beside the editor" className="relative flex shrink-0 flex-col border-line border-t bg-surface" style={{ height: `min(${px}px, 60%)` }}>
      <ResizeBar label="Height of the panel" direction="up" px={px} range={[120, 900]} onResize={setPx} onDone={(panelPx) => setPreference({ panelPx })} />
      <div className="flex min-h-0 flex-1 flex-col">
        <Content
          site={site}
          end={
            <IconButton label="Close the panel" className="size-8 pointer-coarse:size-10" onClick={() => setPreference({ panel: null })}>
              <X aria-hidden="true" />
            </IconButton>
          }
        />
      </div>
    </section>
  );
}
