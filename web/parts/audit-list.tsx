import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { AuditView } from "#contract/api/views.ts";
import { auditWords, detailsText } from "../app/audit-words.ts";
import { momentText } from "../app/formats.ts";
import { TimeAgo } from "./time-ago.tsx";

const doors = { web: "Dashboard", api: "API", cli: "Command line", ftp: "FTP", ssh: "SSH", sftp: "SFTP", system: "Backlot itself" } as const;

/** Entries of the audit trail: a table on wide screens, short paragraphs on phones. */
export function AuditList({ entries, isOfOneSite = false }: { readonly entries: readonly AuditView[]; readonly isOfOneSite?: boolean }): ReactNode {
  if (entries.length === 0) return <p className="text-soft">Nothing was recorded yet.</p>;
  return (
    <ul className="divide-y divide-line">
      {entries.map((entry) => {
        const details = detailsText(entry.details);
        return (
          <li key={entry.id} className="flex flex-col gap-x-4 py-2.5 text-[0.9375rem] sm:flex-row sm:items-baseline">
            <span className="w-36 shrink-0 text-soft text-sm" title={momentText(entry.at)}>
              <TimeAgo at={entry.at} />
            </span>
            <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">
              <strong className="font-medium">{entry.actor ?? "Backlot"}</strong> {auditWords(entry.action)}
              {!isOfOneSite && entry.site !== null && (
                <>
                  {" · "}
                  <Link to="/sites/$name" params={{ name: entry.site }} className="text-accent hover:underline">
                    {entry.site}
                  </Link>
                </>
              )}
              {details !== "" && <span className="block text-soft text-sm">{details}</span>}
            </span>
            <span className="shrink-0 text-soft text-sm sm:w-44 sm:text-right">
              {doors[entry.door]}
              {entry.address !== null && ` · ${entry.address}`}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
