import { useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useSite } from "../../app/data-sites.ts";
import { LogView } from "../../parts/log-view.tsx";

export function LogsPage(): ReactNode {
  const { name } = useParams({ from: "/app/sites/$name" });
  const { data: site } = useSite(name);
  return site === undefined ? null : <LogView key={name} site={site} />;
}
