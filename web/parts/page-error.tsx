import type { ErrorComponentProps } from "@tanstack/react-router";
import { useRouter } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { hasCode, wordsOf } from "../app/api.ts";
import { PageProblem } from "./page-problem.tsx";

/** What stands where a page could not be shown. */
export function PageError({ error, reset }: ErrorComponentProps): ReactNode {
  const router = useRouter();
  const retry = (): void => {
    // A page's code that failed to load is kept as failed; only a new load of the document asks again.
    if (error instanceof TypeError) window.location.reload();
    else {
      reset();
      void router.invalidate();
    }
  };
  const title = hasCode(error, "component_away") ? "Backlot does not answer. Check your connection, then try again." : wordsOf(error);
  return (
    <div className="mx-auto w-full max-w-2xl px-4 py-16">
      <PageProblem page="This page could not be shown" title={title} retry={retry} />
    </div>
  );
}
