import { z } from "zod";
import { createStore } from "../store.ts";

/** How the editor looks and what stands round it: kept in this browser, for every site. */
export const preferences = z.object({
  fontPx: z.number().min(10).max(28).catch(14),
  isWrapped: z.boolean().catch(false),
  showsHidden: z.boolean().catch(false),
  treePx: z.number().min(180).max(600).catch(272),
  panelPx: z.number().min(120).max(900).catch(260),
  /** What stands below the editor; null: nothing. */
  panel: z.enum(["log", "terminal"]).nullable().catch(null),
});
export type Preferences = z.output<typeof preferences>;

const key = "backlot-editor";
export const fontSizes = { least: 10, most: 28, normal: 14 } as const;

export function readPreferences(text: string | null): Preferences {
  try {
    return preferences.parse(JSON.parse(text ?? "{}"));
  } catch {
    // Another version of this page wrote something else, or nobody knows what.
    return preferences.parse({});
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    // Storage can be forbidden; the defaults then hold at every visit.
    return null;
  }
}

export const editorPreferences = createStore<Preferences>(readPreferences(stored()));

export function setPreference(change: Partial<Preferences>): void {
  const next = { ...editorPreferences.get(), ...change };
  editorPreferences.set(next);
  try {
    localStorage.setItem(key, JSON.stringify(next));
  } catch {
    // Forbidden or full: the choice then lasts as long as the page.
  }
}

export function changeFont(by: number): void {
  const { fontPx } = editorPreferences.get();
  setPreference({ fontPx: Math.max(fontSizes.least, Math.min(fontSizes.most, fontPx + by)) });
}
