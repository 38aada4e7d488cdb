import { createStore } from "./store.ts";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];
export const themeLabels: Readonly<Record<Theme, string>> = { system: "Like the system", light: "Light", dark: "Dark" };

// The same key as in public/theme.js, which applies it before the first paint.
const key = "backlot-theme";

function stored(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

export const theme = createStore<Theme>(stored());

export function chooseTheme(next: Theme): void {
  theme.set(next);
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(key, next);
  } catch {
    // Storage can be forbidden; the choice then lasts as long as the page.
  }
}
