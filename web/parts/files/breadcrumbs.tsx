import { Link } from "@tanstack/react-router";
import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { crumbsOf } from "../../app/paths.ts";

/** The way from the site's own folder to where one is; every part of it leads back. */
export function Breadcrumbs({ site, path }: { readonly site: string; readonly path: string }): ReactNode {
  const crumbs = [{ name: site, path: "" }, ...crumbsOf(path)];
  return (
    <nav aria-label="Folders" className="min-w-0">
      <ol className="flex flex-wrap items-center">
        {crumbs.map((crumb, index) => {
          const isLast = index === crumbs.length - 1;
          return (
            <li key={crumb.path} className="flex min-w-0 items-center">
              {index > 0 && <ChevronRight className="size-4 shrink-0 text-soft" aria-hidden="true" />}
              {isLast ? (
                <span aria-current="page" className="inline-flex min-h-11 min-w-0 items-center px-1.5 font-semibold [overflow-wrap:anywhere] sm:min-h-10">
                  {crumb.name}
                </span>
              ) : (
                <Link
                  to="/sites/$name/files/$"
                  params={{ name: site, _splat: crumb.path }}
                  className="inline-flex min-h-11 items-center rounded px-1.5 text-accent hover:underline sm:min-h-10"
                >
                  {crumb.name}
                </Link>
              )}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
