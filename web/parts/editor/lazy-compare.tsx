import { Loading, Skeleton } from "../skeleton.tsx";
import { latePart } from "./late-part.tsx";

/** A comparison, whose code is loaded when the first one is asked for. */
export const LazyCompare = latePart(
  async () => (await import("./compare-view.tsx")).CompareView,
  <Loading label="The comparison is loading">
    <Skeleton className="m-3 h-40" />
  </Loading>,
);
