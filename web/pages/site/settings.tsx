import { useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { may, useSite } from "../../app/data-sites.ts";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { CacheSettings } from "../../parts/settings/cache-settings.tsx";
import { DangerZone } from "../../parts/settings/danger-zone.tsx";
import { DatabaseSettings } from "../../parts/settings/database-settings.tsx";
import { EnvironmentSettings } from "../../parts/settings/environment-settings.tsx";
import { GeneralSettings } from "../../parts/settings/general-settings.tsx";
import { ImageSettings } from "../../parts/settings/image-settings.tsx";
import { LimitSettings } from "../../parts/settings/limit-settings.tsx";

export function SettingsPage(): ReactNode {
  const { name } = useParams({ from: "/app/sites/$name" });
  const { data: site } = useSite(name);
  if (site === undefined) return null;
  if (!may(site, "site.configure")) return <ProblemBox title="Your role on this site does not allow changing its settings. Ask one of its owners." />;
  return (
    <div className="flex max-w-3xl flex-col gap-5">
      <GeneralSettings key={`general-${site.updatedAt}`} site={site} />
      <ImageSettings key={`image-${site.updatedAt}`} site={site} />
      {site.kind === "dynamic" && <CacheSettings key={`cache-${site.updatedAt}`} site={site} />}
      <EnvironmentSettings site={site} />
      <DatabaseSettings site={site} />
      {may(site, "site.limits") && <LimitSettings key={`limits-${site.updatedAt}`} site={site} />}
      <DangerZone site={site} />
    </div>
  );
}
