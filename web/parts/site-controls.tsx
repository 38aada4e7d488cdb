import { Link } from "@tanstack/react-router";
import { FolderOpen, Moon, Play, RotateCw, ScrollText } from "lucide-react";
import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../app/api.ts";
import { may, type SiteAction, useSiteAction } from "../app/data-sites.ts";
import { actionsFor } from "../app/site-actions.ts";
import { stateWords } from "../app/state-words.ts";
import { Button, buttonClass } from "./button.tsx";
import { cx } from "./class-names.ts";
import { ExternalLink } from "./external-link.tsx";
import { ProblemBox } from "./problem-box.tsx";
import { toneClass } from "./state-pill.tsx";
import { TimeAgo } from "./time-ago.tsx";

const looks = {
  restart: { Icon: RotateCw, label: "Restart", busy: "Restarting…" },
  sleep: { Icon: Moon, label: "Put to sleep", busy: "Putting to sleep…" },
  wake: { Icon: Play, label: "Start", busy: "Starting…" },
} as const;

/** What the site does right now, why, and what can be done about it. */
export function SiteControls({ site }: { readonly site: SiteView }): ReactNode {
  const act = useSiteAction(site.name);
  const { label, meaning, tone } = stateWords(site.state, site.kind);
  const actions = may(site, "site.run") ? actionsFor(site) : [];
  const run = (action: SiteAction): void => act.mutate(action);
  return (
    <section className="card overflow-hidden" aria-label="State">
      <div className={cx("px-4 py-4 sm:px-6", toneClass[tone])}>
        <h2 className="font-semibold text-lg">{label}</h2>
        <p className="text-[0.9375rem] text-ink [overflow-wrap:anywhere]">{site.status.reason ?? meaning}</p>
        <p className="mt-1 text-sm">
          Since <TimeAgo at={site.status.since} />
        </p>
      </div>
      <div className="flex flex-col gap-4 p-4 sm:px-6">
        <div className="grid grid-cols-1 gap-2 min-[420px]:grid-cols-2 sm:flex sm:flex-wrap">
          {actions.map((action, index) => {
            const { Icon, label: word, busy } = looks[action];
            return (
              <Button
                key={action}
                variant={index === 0 ? "primary" : "plain"}
                onClick={() => run(action)}
                disabled={act.isPending}
                busy={act.isPending && act.variables === action && busy}
              >
                <Icon aria-hidden="true" />
                {word}
              </Button>
            );
          })}
          <ExternalLink href={site.url} className={buttonClass(actions.length === 0 ? "primary" : "plain")}>
            Open site
          </ExternalLink>
          {may(site, "site.files.read") && (
            <Link to="/sites/$name/files/$" params={{ name: site.name, _splat: "" }} className={buttonClass()}>
              <FolderOpen aria-hidden="true" />
              Edit files
            </Link>
          )}
          {site.state === "crashed" && may(site, "site.logs") && (
            <Link to="/sites/$name/logs" params={{ name: site.name }} className={buttonClass()}>
              <ScrollText aria-hidden="true" />
              Read the log
            </Link>
          )}
        </div>
        {act.error !== null && <ProblemBox title={wordsOf(act.error)} />}
      </div>
    </section>
  );
}
