import { useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { useImages } from "../../app/data-images.ts";
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
    // What is typed belongs to this site: another one begins anew.
    <div key={site.id} className="grid items-start gap-8 lg:grid-cols-[minmax(0,48rem)_minmax(0,1fr)]">
      <div className="flex min-w-0 flex-col gap-5">
        <GeneralSettings site={site} />
        <ImageSettings site={site} />
        {site.kind === "dynamic" && <CacheSettings site={site} />}
        <EnvironmentSettings site={site} />
        <DatabaseSettings site={site} />
        {may(site, "site.limits") && <LimitSettings site={site} />}
        <DangerZone site={site} />
      </div>
      <Contents site={site} />
    </div>
  );
}

const linkClass = "inline-flex min-h-9 w-full items-center rounded-lg px-3 text-sm text-soft hover:bg-sunken hover:text-ink";

/** What stands on this long page, beside it where there is room. */
function Contents({ site }: { readonly site: SiteView }): ReactNode {
  const { data } = useImages();
  const isDynamic = site.kind === "dynamic";
  const parts = [
    ["general", "General", true],
    ["image", "Image", data?.isUsed === true && data.images.length > 0],
    ["page-cache", "Page cache", isDynamic],
    ["environment", "Environment variables", true],
    ["database", "Database", true],
    ["limits", "Availability and limits", may(site, "site.limits")],
    ["danger", "Danger zone", true],
  ] as const;
  return (
    <nav aria-label="Settings" className="sticky top-6 max-lg:hidden">
      <ul className="flex flex-col border-line border-l pl-2">
        {parts.map(
          ([id, words, isThere]) =>
            isThere && (
              <li key={id}>
                <a href={`#${id}`} className={linkClass}>
                  {words}
                </a>
              </li>
            ),
        )}
      </ul>
    </nav>
  );
}
