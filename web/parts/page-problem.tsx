import type { ComponentProps, ReactNode } from "react";
import { PageHeading } from "./heading.tsx";
import { ProblemBox } from "./problem-box.tsx";

/** A failure in the place of a whole page, which is still called what it is. */
export function PageProblem({ page, ...problem }: ComponentProps<typeof ProblemBox> & { readonly page: string }): ReactNode {
  return (
    <>
      <PageHeading title={page} />
      <ProblemBox {...problem} />
    </>
  );
}
