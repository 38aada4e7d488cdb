import { useLocation, useNavigate, useParams } from "@tanstack/react-router";
import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { useMe } from "../../app/data-session.ts";
import { may, useSite } from "../../app/data-sites.ts";
import { moveWithUndo } from "../../app/editor/move-file.ts";
import { foldersAbove } from "../../app/editor/tree.ts";
import { type Workbench, workbenchOf } from "../../app/editor/workbench.ts";
import { baseOf, parentOf } from "../../app/paths.ts";
import { type Bench, BenchContext, type MainView, type Question } from "../../parts/editor/bench-context.ts";
import { EditorFrame } from "../../parts/editor/editor-frame.tsx";
import { Questions } from "../../parts/editor/questions.tsx";

/** A site's files: the tree, open files in tabs, search, history, and the log beside them. */
export function FilesPage(): ReactNode {
  const { name = "" } = useParams({ strict: false });
  const { data: site } = useSite(name);
  const me = useMe();
  if (site === undefined || me === undefined) return null;
  return <Page key={name} site={site} workbench={workbenchOf({ user: me.username, site })} />;
}

function Page({ site, workbench }: { readonly site: SiteView; readonly workbench: Workbench }): ReactNode {
  const { path, folder } = usePlace();
  const [view, setView] = useState<MainView>("edit");
  const [question, setQuestion] = useState<Question | null>(null);
  const mayWrite = may(site, "site.files.write");
  workbench.session.mayWrite = mayWrite;
  const go = useGo(site.name);
  useEffect(() => setQuestion(null), []);
  // Another file is looked at as it is now.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the file that decides.
  useEffect(() => setView("edit"), [path]);
  useEffect(() => {
    if (path !== null) workbench.show(path);
    workbench.expand(...foldersAbove(path ?? `${folder}/x`).filter(Boolean));
  }, [workbench, path, folder]);
  useEffect(() => (path === null ? undefined : workbench.shows(path, (moved) => go("edit", moved, true))), [workbench, path, go]);
  const bench = useMemo(
    (): Bench => ({
      site,
      workbench,
      mayWrite,
      path,
      folder,
      view,
      setView,
      open: (to, place) => {
        if (place !== undefined || window.matchMedia("(pointer: fine)").matches)
          workbench.session.jump.set({ path: to, line: place?.line ?? null, column: place?.column ?? 0, length: place?.length ?? 0 });
        if (place !== undefined) setView("edit");
        // It is read while the address changes, not after.
        workbench.show(to);
        go("edit", to);
      },
      openFolder: (to) => go("files", to),
      closeTab: (each, isForGood = false) => {
        if (!isForGood && workbench.session.isDirty(each)) return setQuestion({ kind: "close", path: each });
        const next = workbench.close(each, isForGood);
        if (each === path) go(next === null ? "files" : "edit", next ?? "");
      },
      ask: setQuestion,
      move: (from, to) => moveWithUndo({ workbench, open: (each) => go("edit", each, true) }, { from, to }),
    }),
    [site, workbench, mayWrite, path, folder, view, go],
  );
  return (
    <BenchContext value={bench}>
      <title>{`${path === null ? "Files" : baseOf(path)} – ${site.name} – Backlot`}</title>
      <EditorFrame />
      <Questions question={question} onClose={() => setQuestion(null)} />
    </BenchContext>
  );
}

/** The file or the folder that the address names. */
function usePlace(): { readonly path: string | null; readonly folder: string } {
  const { _splat = "" } = useParams({ strict: false });
  const isFile = useLocation({ select: ({ pathname }) => pathname.split("/")[3] === "edit" });
  const place = _splat.replace(/\/+$/, "");
  return isFile && place !== "" ? { path: place, folder: parentOf(place) } : { path: null, folder: place };
}

function useGo(name: string): (kind: "edit" | "files", path: string, replace?: boolean) => void {
  const navigate = useNavigate();
  return useCallback(
    (kind, path, replace = false) =>
      void navigate({ to: kind === "edit" ? "/sites/$name/edit/$" : "/sites/$name/files/$", params: { name, _splat: path }, replace, resetScroll: false }),
    [navigate, name],
  );
}
