import { Moon, Play, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { may, type useSiteAction } from "../app/data-sites.ts";
import { actionsFor } from "../app/site-actions.ts";
import { Button } from "./button.tsx";

export const actionLooks = {
  restart: { Icon: RotateCw, label: "Restart", busy: "Restarting…" },
  sleep: { Icon: Moon, label: "Put to sleep", busy: "Putting to sleep…" },
  wake: { Icon: Play, label: "Start", busy: "Starting…" },
} as const;

/** What can be done with the site's program right now. */
export function SiteButtons({ site, act }: { readonly site: SiteView; readonly act: ReturnType<typeof useSiteAction> }): ReactNode {
  const actions = may(site, "site.run") ? actionsFor(site) : [];
  return actions.map((action, index) => {
    const { Icon, label, busy } = actionLooks[action];
    return (
      <Button
        key={action}
        variant={index === 0 && site.state !== "running" ? "primary" : "plain"}
        className="grow sm:grow-0"
        onClick={() => act.mutate(action)}
        disabled={act.isPending}
        busy={act.isPending && act.variables === action && busy}
      >
        <Icon aria-hidden="true" />
        {label}
      </Button>
    );
  });
}
