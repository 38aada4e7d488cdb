import type { ReactNode } from "react";

/** The title of a page, with what can be done there. */
export function PageHeading({ title, children, lead }: { readonly title: string; readonly children?: ReactNode; readonly lead?: ReactNode }): ReactNode {
  return (
    <div className="mb-6 flex flex-wrap items-end justify-between gap-x-4 gap-y-3">
      <div>
        <title>{`${title} – Backlot`}</title>
        <h1 className="text-2xl font-semibold">{title}</h1>
        {lead !== undefined && <p className="mt-1 text-soft">{lead}</p>}
      </div>
      {children}
    </div>
  );
}

/** A part of a page on its own surface. */
export function Section({
  id,
  title,
  lead,
  actions,
  children,
}: {
  /** By which links within the page find it. */
  readonly id?: string;
  readonly title: string;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <section id={id} className="card scroll-mt-6 p-4 sm:p-6">
      <div className="flex flex-wrap items-start justify-between gap-3 not-last:mb-4">
        <div className="min-w-0">
          <h2 className="text-lg font-semibold">{title}</h2>
          {lead !== undefined && <p className="mt-0.5 text-sm text-soft">{lead}</p>}
        </div>
        {actions}
      </div>
      {children}
    </section>
  );
}
