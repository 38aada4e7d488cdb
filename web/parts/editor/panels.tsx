import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { LogView } from "../log-view.tsx";
import { PageLoading } from "../page-loading.tsx";
import { latePart } from "./late-part.tsx";

export interface PanelProps {
  readonly site: SiteView;
  /** What stands at the end of the panel's buttons: how it is closed. */
  readonly end: ReactNode;
}

// A terminal is as much code as the editor itself: it comes when somebody opens it.
const SiteTerminals = latePart(async () => (await import("../terminal/site-terminals.tsx")).SiteTerminals, <PageLoading />);

/** What can stand below the editor, one at a time; the bar at the foot has a button for each. */
export const panels = {
  log: { title: "Log", Content: ({ site, end }: PanelProps): ReactNode => <LogView key={site.name} site={site} isCompact end={end} /> },
  terminal: {
    title: "Terminal",
    Content: ({ site, end }: PanelProps): ReactNode => <SiteTerminals site={site} end={end} />,
  },
} as const;
export type PanelName = keyof typeof panels;
/** The table's names, in its order. */
export const panelNames = Object.keys(panels) as readonly PanelName[];
