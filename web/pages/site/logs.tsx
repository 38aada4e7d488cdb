import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useSite } from "../../app/data-sites.ts";
import { buttonClass } from "../../parts/button.tsx";
import { LogView } from "../../parts/log-view.tsx";

export function LogsPage(): ReactNode {
  const { name } = useParams({ from: "/app/sites/$name" });
  const { data: site } = useSite(name);
  if (site === undefined) return null;
  if (site.kind === "static") {
    return (
      <div className="card px-6 py-10 text-center">
        <p className="mx-auto max-w-md text-soft">
          A static site runs no program, so there is no output to show. Make it dynamic in its settings if it should run one.
        </p>
        <Link to="/sites/$name/settings" params={{ name }} className={buttonClass("plain", "mt-4")}>
          To the settings
        </Link>
      </div>
    );
  }
  return <LogView key={name} site={site} />;
}
