import { createContext, useContext } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import type { SiteView } from "#contract/api/views.ts";
import type { Workbench } from "../../app/editor/workbench.ts";

/** Something that needs an answer before it is done to a file or folder. */
export type Question =
  | { readonly kind: "new"; readonly what: "file" | "folder"; readonly folder: string }
  | { readonly kind: "move" | "copy" | "delete"; readonly path: string; readonly entry: FolderEntry }
  | { readonly kind: "close"; readonly path: string }
  | { readonly kind: "deleted"; readonly folder: string };

/** `picture`: a drawing, which is text, as visitors see it. */
export type MainView = "edit" | "history" | "picture";

/** What every part of the editor's page works with. */
export interface Bench {
  readonly site: SiteView;
  readonly workbench: Workbench;
  readonly mayWrite: boolean;
  /** The file that is shown; null while a folder is. */
  readonly path: string | null;
  /** The folder where new things go: the shown one, or the one of the shown file. */
  readonly folder: string;
  readonly view: MainView;
  readonly setView: (view: MainView) => void;
  readonly open: (path: string, place?: { readonly line: number; readonly column: number; readonly length: number }) => void;
  readonly openFolder: (folder: string) => void;
  readonly closeTab: (path: string, isForGood?: boolean) => void;
  readonly ask: (question: Question) => void;
  /** Moves without asking, with a way back. */
  readonly move: (from: string, to: string) => Promise<void>;
}

export const BenchContext = createContext<Bench | null>(null);

export function useBench(): Bench {
  const bench = useContext(BenchContext);
  if (bench === null) throw new Error("this part of the page stands outside the editor");
  return bench;
}
