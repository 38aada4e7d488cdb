import { type ComponentProps, lazy, type ReactNode, Suspense } from "react";
import { Loading, Skeleton } from "../skeleton.tsx";
import type { CompareView } from "./compare-view.tsx";

const Loaded = lazy(async () => ({ default: (await import("./compare-view.tsx")).CompareView }));

/** A comparison, whose code is loaded when the first one is asked for. */
export function LazyCompare(props: ComponentProps<typeof CompareView>): ReactNode {
  return (
    <Suspense
      fallback={
        <Loading label="The comparison is loading">
          <Skeleton className="m-3 h-40" />
        </Loading>
      }
    >
      <Loaded {...props} />
    </Suspense>
  );
}
