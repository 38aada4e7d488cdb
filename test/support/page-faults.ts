import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Browser } from "./backlot-browser.ts";

const eyes = readFileSync(new URL("./page-eyes.mjs", import.meta.url), "utf8");
const faults = z.array(z.string());

/** Roles that say nothing without a name. */
const named = ["button", "link", "textbox", "searchbox", "combobox", "checkbox", "switch", "radio", "tab", "menuitem", "treeitem", "dialog", "image", "slider"];

/**
 * What is wrong with the page as it stands: headings, title, ids, names, contrast of text (4.5 to 1), width, and rings round what has
 * the focus. Whole sentences, empty when nothing is wrong.
 */
export async function pageFaults(browser: Browser, widthPx: number): Promise<readonly string[]> {
  const seen = faults.parse(await browser.driver.executeScript(`${eyes}\nreturn globalThis.backlotEyes.faults(arguments[0]);`, widthPx));
  const nameless = (await browser.spoken()).filter(({ role, name }) => named.includes(role) && name.trim() === "");
  return [...seen, ...nameless.map(({ role }) => `a ${role} has no name`)];
}

/** What is wrong with how the focus shows; empty when nothing is. */
export async function ringFaults(browser: Browser): Promise<readonly string[]> {
  return faults.parse(await browser.driver.executeScript(`${eyes}\nreturn globalThis.backlotEyes.ringFaults();`));
}

/** How many places of the page the Tab key should lead to; of an open dialog alone when there is one. */
export async function countTabStops(browser: Browser): Promise<number> {
  return Number(await browser.driver.executeScript(`${eyes}\nreturn globalThis.backlotEyes.tabStops().length;`));
}
