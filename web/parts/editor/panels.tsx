import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { LogView } from "../log-view.tsx";

export interface PanelProps {
  readonly site: SiteView;
  /** What stands at the end of the panel's buttons: how it is closed. */
  readonly end: ReactNode;
}

/** What can stand below the editor, one at a time; the bar at the foot has a button for each. */
export const panels = {
  log: { title: "Log", Content: ({ site, end }: PanelProps): ReactNode => <LogView key={site.name} site={site} isCompact end={end} /> },
} as const;
export type PanelName = keyof typeof panels;
/** The table's names, in its order. */
export const panelNames = Object.keys(panels) as readonly PanelName[];
