import type { ReactNode } from "react";
import { Loading, Skeleton } from "./skeleton.tsx";

/** The place of a page whose code is on its way. */
export function PageLoading(): ReactNode {
  return (
    <Loading label="The page is loading">
      <Skeleton className="mb-6 h-8 w-56" />
      <Skeleton className="mb-3 h-24 w-full rounded-xl" />
      <Skeleton className="h-24 w-full rounded-xl" />
    </Loading>
  );
}

/** The same where not even the frame stands yet. */
export function FirstLoading(): ReactNode {
  return (
    <div className="mx-auto w-full max-w-6xl px-4 pt-24 sm:px-6">
      <PageLoading />
    </div>
  );
}
