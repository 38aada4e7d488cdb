import { Link } from "@tanstack/react-router";
import { ScrollText } from "lucide-react";
import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import type { SiteState } from "#contract/site.ts";
import { may } from "../app/data-sites.ts";
import { stateWords } from "../app/state-words.ts";
import { buttonClass } from "./button.tsx";
import { cx } from "./class-names.ts";
import { toneText } from "./state-pill.tsx";

/** What helps in each kind of trouble, in the order to try it. */
const remedies: Partial<Readonly<Record<SiteState, readonly string[]>>> = {
  crashed: [
    "Read the last lines of the log: they usually name the file and the line.",
    "run.sh has to start a server that listens on $HOST:$PORT, not on a port of its own choice.",
    "When it is mended, press Restart.",
  ],
  stopped: ["Press Start. If it stops again, the log says why."],
  "not-served": ["You can go on working on the files.", "Ask an administrator to serve the site again."],
  disabled: ["Ask an administrator why, and what would have to change."],
};

/** Says what to do when a site is not up. Nothing stands here while all is well. */
export function SiteTrouble({ site }: { readonly site: SiteView }): ReactNode {
  const steps = remedies[site.state];
  if (steps === undefined) return null;
  const { tone, label } = stateWords(site.state, site.kind);
  return (
    <section className={cx("card border-l-4 border-l-current p-4 sm:p-6", toneText[tone])} aria-label="What to do">
      <h2 className="font-semibold text-lg">{label}: what to do</h2>
      <ol className="mt-2 flex list-decimal flex-col gap-1 pl-5 text-ink">
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {(site.state === "crashed" || site.state === "stopped") && may(site, "site.logs") && (
        <Link to="/sites/$name/logs" params={{ name: site.name }} className={buttonClass("plain", "mt-4")}>
          <ScrollText aria-hidden="true" />
          Read the log
        </Link>
      )}
    </section>
  );
}
