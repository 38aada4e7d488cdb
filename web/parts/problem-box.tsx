import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";

interface ProblemProps {
  readonly title: string;
  readonly retry?: () => void;
  readonly children?: ReactNode;
}

/** A failure in plain words, where it happened. */
export function ProblemBox({ title, retry, children }: ProblemProps): ReactNode {
  return (
    <div role="alert" className="flex flex-wrap items-start gap-x-3 gap-y-2 rounded-xl border border-bad/30 bg-bad-tint px-4 py-3 text-bad">
      <TriangleAlert className="mt-0.5 size-5 shrink-0" aria-hidden="true" />
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-medium [overflow-wrap:anywhere]">{title}</p>
        {children}
      </div>
      {retry !== undefined && <Button onClick={retry}>Try again</Button>}
    </div>
  );
}
