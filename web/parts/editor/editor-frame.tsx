import { FolderTree, PanelLeft, Upload } from "lucide-react";
import { type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { editorPreferences, setPreference } from "../../app/editor/preferences.ts";
import { notify } from "../../app/notices.ts";
import { useStore } from "../../app/store.ts";
import { IconButton } from "../button.tsx";
import { UploadPanel } from "../files/upload-panel.tsx";
import { useBench } from "./bench-context.ts";
import { BottomPanel } from "./bottom-panel.tsx";
import { Drawer } from "./drawer.tsx";
import { FilePane } from "./file-pane.tsx";
import { FolderPane } from "./folder-pane.tsx";
import { useIsWide } from "./media-query.ts";
import { ResizeBar } from "./resize-bar.tsx";
import { SideBar } from "./side-bar.tsx";
import { StatusBar } from "./status-bar.tsx";
import { TabStrip } from "./tab-strip.tsx";
import { takeDrop } from "./take-drop.ts";
import { useFollowedFiles } from "./use-followed-files.ts";

/** The editor's page: the tree, the open file, and what stands below it. */
export function EditorFrame(): ReactNode {
  const { workbench, path, folder, site } = useBench();
  const isWide = useIsWide();
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  useFollowedFiles();
  useSaveKey(() => path !== null && void workbench.session.save(path));
  const drop = useDropAnywhere();
  return (
    <div data-workbench {...drop.handlers} className="group/frame relative -mx-4 flex min-h-80 flex-1 border-line border-t sm:-mx-6">
      {isWide && <Beside />}
      <div className="relative flex min-w-0 flex-1 flex-col">
        <div className="flex h-10 shrink-0 border-line border-b bg-sunken">
          {!isWide && (
            <IconButton label="Show the files" className="size-10 rounded-none border-line border-r" onClick={() => setDrawerOpen(true)}>
              <PanelLeft aria-hidden="true" />
            </IconButton>
          )}
          <FolderButton />
          <TabStrip />
        </div>
        {path === null ? <FolderPane folder={folder} /> : <FilePane path={path} />}
        <BottomPanel />
        <StatusBar />
        <div className="absolute right-3 bottom-11 z-20 max-h-[60%] w-96 max-w-[calc(100%-1.5rem)] overflow-auto">
          <UploadPanel site={site.name} />
        </div>
      </div>
      {!isWide && (
        <Drawer isOpen={isDrawerOpen} onClose={() => setDrawerOpen(false)} title={`Files of ${site.name}`}>
          <SideBar rowPx={42} onChosen={() => setDrawerOpen(false)} />
        </Drawer>
      )}
      {drop.isOver && (
        <div className="pointer-events-none absolute inset-1 z-30 flex items-end justify-center rounded-2xl border-2 border-accent border-dashed pb-16">
          <p className="flex items-center gap-3 rounded-full bg-accent px-5 py-2.5 font-semibold text-on-accent shadow-float">
            <Upload className="size-5" aria-hidden="true" />
            {drop.isOff ? "You may not upload here" : `Drop to upload to ${folder === "" ? "the site's folder" : folder}, or into a folder of the tree`}
          </p>
        </div>
      )}
    </div>
  );
}

function Beside(): ReactNode {
  const { treePx } = useStore(editorPreferences);
  const [px, setPx] = useState(treePx);
  return (
    <aside aria-label="Files and search" className="relative shrink-0 border-line border-r" style={{ width: `${px}px` }}>
      <SideBar rowPx={28} />
      <ResizeBar label="Width of the tree" direction="right" px={px} range={[180, 600]} onResize={setPx} onDone={(treePx) => setPreference({ treePx })} />
    </aside>
  );
}

/** Leads from an open file back to the list of the folder it is in. */
function FolderButton(): ReactNode {
  const { path, folder, openFolder } = useBench();
  return (
    <IconButton
      label="Folder as a list"
      aria-pressed={path === null}
      className="size-10 rounded-none border-line border-r aria-pressed:bg-surface aria-pressed:text-accent"
      onClick={() => openFolder(folder)}
    >
      <FolderTree aria-hidden="true" />
    </IconButton>
  );
}

const holdsFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes("Files");

/** Takes files that are dropped anywhere beside the tree, which takes its own. */
function useDropAnywhere() {
  const bench = useBench();
  const [isOver, setOver] = useState(false);
  // Entering a child comes before leaving its parent, so entries are counted.
  const depth = useRef(0);
  const count = (by: number): void => {
    depth.current = Math.max(0, depth.current + by);
    setOver(depth.current > 0);
  };
  return {
    isOver,
    isOff: !bench.mayWrite,
    handlers: {
      onDragEnter: (event: DragEvent) => holdsFiles(event) && count(1),
      onDragOver: (event: DragEvent) => holdsFiles(event) && event.preventDefault(),
      onDragLeave: (event: DragEvent) => holdsFiles(event) && count(-1),
      onDropCapture: (event: DragEvent) => holdsFiles(event) && count(-depth.current),
      onDrop: (event: DragEvent) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        if (bench.mayWrite) takeDrop(bench, event.dataTransfer, bench.folder);
        else notify({ tone: "bad", text: "Your role on this site does not allow uploads. Ask one of its owners." });
      },
    },
  };
}

/** Ctrl-S, or Command-S on a Mac, wherever the focus is on the page. */
function useSaveKey(save: () => void): void {
  const latest = useRef(save);
  useEffect(() => {
    latest.current = save;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "s") return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
