import type { SiteView } from "#contract/api/views.ts";
import { type SiteAvailability, type SiteEgress, type SiteKind, type SiteLimits, siteLimits } from "#contract/site.ts";
import type { SiteChange } from "./data-sites.ts";
import { changedFields } from "./draft.ts";

/** The settings of a site as a form holds them. */
export interface SettingsDraft {
  readonly description: string;
  readonly kind: SiteKind;
  readonly idleSeconds: number | null;
  readonly botsWake: boolean;
  readonly canRunTwice: boolean;
  readonly timeZone: string;
}

export function draftOf(site: SiteView): SettingsDraft {
  return { description: site.description, kind: site.kind, ...site.settings };
}

/** What has to be sent to save what differs from the base; null when nothing does. */
export function changeOf(base: SettingsDraft, draft: SettingsDraft): SiteChange | null {
  const { description, kind, ...settings } = changedFields(base, draft);
  const changed: SiteChange = {
    ...(description === undefined ? {} : { description }),
    ...(kind === undefined ? {} : { kind }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  };
  return Object.keys(changed).length === 0 ? null : changed;
}

/** How a limit is shown: its unit, and how many of the API's units make one. */
export interface LimitField {
  readonly key: keyof SiteLimits;
  readonly label: string;
  readonly unit: string;
  readonly factor: number;
}

export const limitFields: readonly LimitField[] = [
  { key: "cpu", label: "Processor", unit: "% of a core", factor: 0.01 },
  { key: "memoryBytes", label: "Memory", unit: "MB", factor: 1e6 },
  { key: "pids", label: "Processes and threads", unit: "at once", factor: 1 },
  { key: "requestBodyBytes", label: "Body of a visitor's request", unit: "kB", factor: 1024 },
  { key: "fileBytes", label: "One file", unit: "MB", factor: 1e6 },
  { key: "diskBytes", label: "All files together", unit: "MiB", factor: 1024 * 1024 },
  { key: "files", label: "Number of files and folders", unit: "entries", factor: 1 },
];

export type LimitTexts = Readonly<Record<keyof SiteLimits, string>>;

/** The limits as the form shows them, at most three digits behind the point. */
export function limitTexts(limits: SiteLimits): LimitTexts {
  const texts: Partial<Record<keyof SiteLimits, string>> = {};
  for (const { key, factor } of limitFields) texts[key] = String(Number((limits[key] / factor).toFixed(3)));
  // Every key of the limits has a field; the test says so.
  return texts as LimitTexts;
}

/** What of the form differs from its base, in the API's units, or what is wrong with one of those fields. */
export function parseLimits(
  texts: LimitTexts,
  base: LimitTexts,
): { readonly limits: Partial<SiteLimits> } | { readonly key: keyof SiteLimits; readonly problem: string } {
  const limits: Partial<SiteLimits> = {};
  for (const { key, factor, unit } of limitFields) {
    const text = texts[key].trim().replace(",", ".");
    if (text === base[key]) continue;
    const value = Number(text);
    if (text === "" || !Number.isFinite(value)) return { key, problem: "Give a number." };
    // 0.01 is not exact in binary: 60 × 0.01 would be 0.6000000000000001 of a core.
    const exact = key === "cpu" ? Math.round(value) / 100 : Math.round(value * factor);
    const parsed = siteLimits.shape[key].safeParse(exact);
    if (!parsed.success) return { key, problem: boundsText(key, factor, unit) };
    limits[key] = exact;
  }
  return { limits };
}

function boundsText(key: keyof SiteLimits, factor: number, unit: string): string {
  const { minValue, maxValue } = siteLimits.shape[key];
  const format = (value: number | null): string => new Intl.NumberFormat("en", { maximumFractionDigits: 1 }).format((value ?? 0) / factor);
  return `Between ${format(minValue)} and ${format(maxValue)} ${unit}.`;
}

/** What only administrators change, as a form holds it. */
export interface LimitsDraft extends LimitTexts {
  readonly availability: SiteAvailability;
  readonly egress: SiteEgress;
  readonly dedicated: boolean;
}

export function limitsDraftOf({ availability, egress, dedicated, limits }: SiteView): LimitsDraft {
  return { availability, egress, dedicated: dedicated ?? false, ...limitTexts(limits) };
}

/** What has to be sent to save what differs from the base, without its reason; null when nothing does, or the name of a field and what is wrong with it. */
export function limitsChangeOf(base: LimitsDraft, draft: LimitsDraft): SiteChange | null | { readonly key: keyof SiteLimits; readonly problem: string } {
  const parsed = parseLimits(draft, base);
  if (!("limits" in parsed)) return parsed;
  const { availability, egress, dedicated } = changedFields(base, draft);
  const change: SiteChange = {
    ...(availability === undefined ? {} : { availability }),
    ...(egress === undefined ? {} : { egress }),
    ...(dedicated === undefined ? {} : { dedicated }),
    ...(Object.keys(parsed.limits).length === 0 ? {} : { limits: parsed.limits }),
  };
  return Object.keys(change).length === 0 ? null : change;
}

export const availabilityWords: Readonly<Record<SiteAvailability, { readonly label: string; readonly meaning: string }>> = {
  enabled: { label: "Enabled", meaning: "Works as usual." },
  "not-served": { label: "Not served", meaning: "Visitors are turned away; members can still work on it." },
  disabled: { label: "Disabled", meaning: "Nobody can visit it, change files or run its program, only administrators." },
};

export const egressWords: Readonly<Record<SiteEgress, { readonly label: string; readonly meaning: string }>> = {
  none: { label: "None", meaning: "The program answers visitors, and can connect to nothing by itself." },
  internet: {
    label: "The public internet",
    meaning: "The program can connect to public addresses: never to this machine, other sites, private networks, or mail servers (port 25).",
  },
};
