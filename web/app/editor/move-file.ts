import { Failure } from "#contract/failure.ts";
import { wordsOf } from "../api.ts";
import { movePath } from "../data-files.ts";
import { notify } from "../notices.ts";
import { baseOf } from "../paths.ts";
import { unsavedInTheWay } from "./drafts.ts";
import type { Workbench } from "./workbench.ts";

interface Page {
  readonly workbench: Workbench;
  /** Shows a file, wherever the person is. */
  readonly open: (path: string) => void;
}

interface Move {
  readonly from: string;
  readonly to: string;
}

/** Moves a file or folder, says so, and offers the way back. */
export async function moveWithUndo(page: Page, move: Move): Promise<void> {
  const failed = (error: unknown): void => {
    const path = error instanceof Failure && error.code === "file_unsaved" ? error.details.path : undefined;
    const way = typeof path === "string" ? { action: { label: "Open it", run: () => page.open(path) } } : {};
    notify({ tone: "bad", text: wordsOf(error), ...way });
  };
  const { from, to } = move;
  try {
    await moveOnce(page.workbench, move);
  } catch (error) {
    failed(error);
    throw error;
  }
  const back = (): void => void moveOnce(page.workbench, { from: to, to: from }).catch(failed);
  notify({ tone: "good", text: `${baseOf(from)} is now ${to}`, action: { label: "Undo", run: back } });
}

async function moveOnce(workbench: Workbench, move: Move): Promise<void> {
  const [path] = unsavedInTheWay(await workbench.session.unsaved(), move);
  // The site does not know of it: the file may be gone there.
  if (path !== undefined) throw new Failure("file_unsaved", { path });
  await movePath(workbench.session.site, move.from, move.to);
  workbench.moved(move);
}
