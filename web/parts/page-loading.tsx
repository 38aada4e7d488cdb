import type { ReactNode } from "react";
import { Loading, Skeleton } from "./skeleton.tsx";

export function PageLoading(): ReactNode {
  return (
    <div className="mx-auto w-full max-w-6xl px-4 py-8 sm:px-6">
      <Loading label="The page is loading">
        <Skeleton className="mb-6 h-8 w-56" />
        <Skeleton className="mb-3 h-24 w-full rounded-xl" />
        <Skeleton className="h-24 w-full rounded-xl" />
      </Loading>
    </div>
  );
}
