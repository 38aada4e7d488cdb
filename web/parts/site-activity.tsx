import { type ReactNode, useState } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../app/api.ts";
import { may, useSiteAudit } from "../app/data-sites.ts";
import { AuditList } from "./audit-list.tsx";
import { Button } from "./button.tsx";
import { Section } from "./heading.tsx";
import { ProblemBox } from "./problem-box.tsx";
import { Loading, Skeleton } from "./skeleton.tsx";

/** Who did what here, for those who configure the site; read only when asked for. */
export function SiteActivity({ site }: { readonly site: SiteView }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const { data, error, refetch } = useSiteAudit(site.name, isOpen);
  if (!may(site, "site.configure")) return null;
  return (
    <Section
      title="Who did what"
      lead="Every sign-in to this site's files, change and deployment by its members."
      actions={
        <Button aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? "Hide" : "Show"}
        </Button>
      }
    >
      {isOpen && error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />}
      {isOpen && data === undefined && error === null && (
        <Loading label="The audit trail is loading">
          <Skeleton className="h-24 w-full" />
        </Loading>
      )}
      {isOpen && data !== undefined && <AuditList entries={data} isOfOneSite />}
    </Section>
  );
}
