import { type ReactNode, useState } from "react";
import { useMe, useSignOut } from "../app/data-session.ts";
import { draftsOf, forgetDrafts } from "../app/editor/draft-store.ts";
import { forgetLayouts } from "../app/editor/kept-layouts.ts";
import { countText } from "../app/formats.ts";
import { ConfirmDialog } from "./confirm-dialog.tsx";

type Unsaved = Awaited<ReturnType<typeof draftsOf>>;

const mostNamed = 5;

/**
 * Signing out: at once, or after a question when unsaved work lies in this browser. It goes with the person who leaves, since others may
 * sit down at this computer; a session that merely ends keeps it.
 */
export function useLeave(): { readonly leave: () => void; readonly question: ReactNode; readonly isLeaving: boolean; readonly error: unknown } {
  const user = useMe()?.username ?? "";
  const [unsaved, setUnsaved] = useState<Unsaved | null>(null);
  const signOut = useSignOut(async () => {
    forgetLayouts(user);
    await forgetDrafts(user);
  });
  const leave = (): void => {
    // A browser that keeps nothing has nothing to ask about.
    draftsOf(user).then(
      (found) => (found.length === 0 ? signOut.mutate() : setUnsaved(found)),
      () => signOut.mutate(),
    );
  };
  const close = (): void => {
    setUnsaved(null);
    signOut.reset();
  };
  const question = (
    <ConfirmDialog
      isOpen={unsaved !== null}
      onClose={close}
      title="Sign out with unsaved work?"
      confirmLabel="Discard it and sign out"
      busyLabel="Signing out…"
      isBusy={signOut.isPending}
      error={signOut.error}
      onConfirm={() => signOut.mutate()}
    >
      <p>Signing out deletes from this browser what is not saved in {countText(unsaved?.length ?? 0, "file")}:</p>
      <ul className="mt-2 list-disc pl-5">
        {(unsaved ?? []).slice(0, mostNamed).map(({ site, path }) => (
          <li key={`${site}/${path}`} className="[overflow-wrap:anywhere]">
            <strong>{path}</strong> in {site}
          </li>
        ))}
        {unsaved !== null && unsaved.length > mostNamed && <li>and {unsaved.length - mostNamed} more</li>}
      </ul>
    </ConfirmDialog>
  );
  return { leave, question, isLeaving: signOut.isPending, error: unsaved === null ? signOut.error : null };
}
