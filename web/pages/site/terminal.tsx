import { useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useSite } from "../../app/data-sites.ts";
import { SiteTerminals } from "../../parts/terminal/site-terminals.tsx";

/** Shells beside the site's program, on the whole page. */
export function TerminalPage(): ReactNode {
  const { name } = useParams({ from: "/app/sites/$name/terminal" });
  const { data: site } = useSite(name);
  if (site === undefined) return null;
  return (
    <div data-workbench className="relative -mx-4 flex min-h-80 flex-1 flex-col border-line border-t sm:-mx-6">
      <SiteTerminals site={site} />
    </div>
  );
}
