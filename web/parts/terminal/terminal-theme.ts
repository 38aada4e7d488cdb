import type { ITheme } from "@xterm/xterm";
import { theme } from "../../app/theme.ts";

// Each colour is readable on its ground: programs choose among them without knowing it.
const light: ITheme = {
  background: "#ffffff",
  foreground: "#17211d",
  cursor: "#0e6b5e",
  cursorAccent: "#ffffff",
  selectionBackground: "#bfe0d8",
  selectionInactiveBackground: "#e0e8e5",
  black: "#17211d",
  red: "#a8231c",
  green: "#12683f",
  yellow: "#7d5000",
  blue: "#0b5a8a",
  magenta: "#8a2f8f",
  cyan: "#0e6b6b",
  white: "#5f6d66",
  brightBlack: "#5f6d66",
  brightRed: "#b8342c",
  brightGreen: "#19784b",
  brightYellow: "#8a5a00",
  brightBlue: "#1668a0",
  brightMagenta: "#9a3fa0",
  brightCyan: "#177878",
  brightWhite: "#2f3b36",
};
const dark: ITheme = {
  background: "#121916",
  foreground: "#e8efeb",
  cursor: "#5ccbb3",
  cursorAccent: "#0f1513",
  selectionBackground: "#28564c",
  selectionInactiveBackground: "#2b3733",
  black: "#66756e",
  red: "#ff9d92",
  green: "#8fd9a8",
  yellow: "#f0c060",
  blue: "#85c9f5",
  magenta: "#d3a6ff",
  cyan: "#5ccbb3",
  white: "#d5deda",
  brightBlack: "#8a9a92",
  brightRed: "#ffb4ab",
  brightGreen: "#a8e6bd",
  brightYellow: "#f6d38b",
  brightBlue: "#a9daf9",
  brightMagenta: "#e0c2ff",
  brightCyan: "#86ddc9",
  brightWhite: "#ffffff",
};

/** The colours of the page's theme as it is now. */
export function terminalTheme(): ITheme {
  const chosen = theme.get();
  const isDark = chosen === "dark" || (chosen === "system" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  return isDark ? dark : light;
}

/** Calls back at every change of the theme, by choice or by the system, until the returned function is called. */
export function followTheme(onChange: () => void): () => void {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", onChange);
  const unfollow = theme.subscribe(onChange);
  return () => {
    system.removeEventListener("change", onChange);
    unfollow();
  };
}
