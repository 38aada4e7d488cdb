import { Link, useNavigate } from "@tanstack/react-router";
import { EllipsisVertical, ExternalLink, FolderOpen, ScrollText } from "lucide-react";
import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../app/api.ts";
import { may, type SiteAction, useSiteAction } from "../app/data-sites.ts";
import { notify } from "../app/notices.ts";
import { actionsFor } from "../app/site-actions.ts";
import { sentenceOf, stateWords } from "../app/state-words.ts";
import { IconButton } from "./button.tsx";
import { ExternalLink as External, shortAddress } from "./external-link.tsx";
import { Facade } from "./facade.tsx";
import { Menu, MenuItem, MenuSeparator } from "./menu.tsx";
import { actionLooks } from "./site-buttons.tsx";
import { Loading, Skeleton } from "./skeleton.tsx";
import { StatePill } from "./state-pill.tsx";

/** One site in the list: the whole row leads to it, the address and the menu lead elsewhere. */
export function SiteRow({ site }: { readonly site: SiteView }): ReactNode {
  const isTroubled = ["bad", "warn"].includes(stateWords(site.state, site.kind).tone);
  const detail = isTroubled && site.status.reason !== null ? sentenceOf(site.status.reason) : site.description;
  return (
    <li className="relative flex items-center gap-3 px-3 py-3 transition-colors first:rounded-t-[0.875rem] last:rounded-b-[0.875rem] hover:bg-sunken sm:gap-4 sm:px-4">
      <Facade name={site.name} state={site.state} className="size-11 shrink-0" />
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <Link to="/sites/$name" params={{ name: site.name }} className="min-w-0 truncate font-semibold after:absolute after:inset-0 after:rounded-[0.875rem]">
            {site.name}
          </Link>
          <span className="sm:hidden">
            <StatePill state={site.state} kind={site.kind} />
          </span>
        </div>
        <p className="truncate text-sm text-soft">{detail === "" ? (site.kind === "static" ? "Static site" : "Dynamic site") : detail}</p>
        <p className="mt-0.5 flex sm:hidden">
          <Address site={site} />
        </p>
      </div>
      <span className="hidden w-56 shrink-0 lg:flex">
        <Address site={site} />
      </span>
      <span className="hidden w-20 shrink-0 text-sm text-soft md:block">{site.kind === "static" ? "Static" : "Dynamic"}</span>
      <span className="hidden w-32 shrink-0 sm:block">
        <StatePill state={site.state} kind={site.kind} />
      </span>
      <RowMenu site={site} />
    </li>
  );
}

function Address({ site }: { readonly site: SiteView }): ReactNode {
  return (
    <External href={site.url} className="relative z-10 -my-3 inline-flex min-w-0 items-center gap-1.5 rounded py-3 text-accent text-sm hover:underline">
      <span className="truncate">{shortAddress(site.url)}</span>
    </External>
  );
}

function RowMenu({ site }: { readonly site: SiteView }): ReactNode {
  const act = useSiteAction(site.name);
  const navigate = useNavigate();
  const run = (action: SiteAction): void => act.mutate(action, { onError: (error) => notify({ tone: "bad", text: wordsOf(error) }) });
  const actions = may(site, "site.run") ? actionsFor(site) : [];
  return (
    <Menu
      trigger={
        <IconButton label={`Actions for ${site.name}`} className="relative z-10">
          <EllipsisVertical aria-hidden="true" />
        </IconButton>
      }
    >
      <MenuItem onSelect={() => window.open(site.url, "_blank", "noopener,noreferrer")}>
        <ExternalLink aria-hidden="true" />
        Open the site
      </MenuItem>
      <MenuItem onSelect={() => void navigate({ to: "/sites/$name/files/$", params: { name: site.name, _splat: "" } })}>
        <FolderOpen aria-hidden="true" />
        Files
      </MenuItem>
      <MenuItem onSelect={() => void navigate({ to: "/sites/$name/logs", params: { name: site.name } })}>
        <ScrollText aria-hidden="true" />
        Log
      </MenuItem>
      {actions.length > 0 && <MenuSeparator />}
      {actions.map((action) => {
        const { Icon, label } = actionLooks[action];
        return (
          <MenuItem key={action} onSelect={() => run(action)}>
            <Icon aria-hidden="true" />
            {label}
          </MenuItem>
        );
      })}
    </Menu>
  );
}

export function SiteRowsLoading(): ReactNode {
  return (
    <Loading label="The sites are loading">
      <div className="card divide-y divide-line">
        {[72, 48, 60, 40, 66].map((width) => (
          <div key={width} className="flex items-center gap-4 px-4 py-3">
            <Skeleton className="size-11 rounded-xl" />
            <div className="flex-1">
              <Skeleton className="mb-2 h-4 w-32" />
              <div style={{ width: `${width}%` }}>
                <Skeleton className="h-3 w-full" />
              </div>
            </div>
            <Skeleton className="h-7 w-24 rounded-full" />
          </div>
        ))}
      </div>
    </Loading>
  );
}
