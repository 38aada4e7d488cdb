import { EllipsisVertical, Moon, Play, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { may, type useSiteAction } from "../app/data-sites.ts";
import { actionsFor } from "../app/site-actions.ts";
import { Button, IconButton } from "./button.tsx";
import { Menu, MenuItem } from "./menu.tsx";

export const actionLooks = {
  restart: { Icon: RotateCw, label: "Restart", busy: "Restarting…" },
  sleep: { Icon: Moon, label: "Put to sleep", busy: "Putting to sleep…" },
  wake: { Icon: Play, label: "Start", busy: "Starting…" },
} as const;

interface Props {
  readonly site: SiteView;
  readonly act: ReturnType<typeof useSiteAction>;
}

/** What can be done with the site's program right now. On phones only the likeliest is a button, the others a menu. */
export function SiteButtons({ site, act }: Props): ReactNode {
  const actions = may(site, "site.run") ? actionsFor(site) : [];
  return (
    <>
      {actions.map((action, index) => {
        const { Icon, label, busy } = actionLooks[action];
        return (
          <Button
            key={action}
            variant={action === "wake" || site.state === "crashed" ? "primary" : "plain"}
            className={index === 0 ? "grow sm:grow-0" : "max-sm:hidden"}
            onClick={() => act.mutate(action)}
            disabled={act.isPending}
            busy={act.isPending && act.variables === action && busy}
          >
            <Icon aria-hidden="true" />
            {label}
          </Button>
        );
      })}
      {actions.length > 1 && (
        <Menu
          trigger={
            <IconButton label="More actions" className="order-last border border-edge/60 sm:hidden">
              <EllipsisVertical aria-hidden="true" />
            </IconButton>
          }
        >
          {actions.slice(1).map((action) => {
            const { Icon, label } = actionLooks[action];
            return (
              <MenuItem key={action} onSelect={() => act.mutate(action)} disabled={act.isPending}>
                <Icon aria-hidden="true" />
                {label}
              </MenuItem>
            );
          })}
        </Menu>
      )}
    </>
  );
}
