import type { TerminalEvent } from "#contract/terminal.ts";

/** Why a program ended that did not end by itself, for whoever looks at it. */
export function closingText(reason: Extract<TerminalEvent, { type: "closed" }>["reason"]): string {
  const words = {
    idle: "Closed: nothing was typed for a long time.",
    too_long: "Closed: it ran for as long as it may.",
    access_changed: "Closed: your access to this site has changed. Connect again to go on with what you may still do.",
    closed: "Closed.",
    platform_stopping: "Closed: Backlot is stopping.",
    site_full: "Closed: the site is full. Delete something, or ask an administrator for more.",
    slow_reader: "Closed: what it printed was not read for too long.",
  } as const;
  return words[reason];
}

/** What `ssh USER@host` says where there is no terminal to choose on, and `ssh USER@host command` which site to run it in. */
export function siteListText(username: string, sites: readonly string[]): string {
  if (sites.length === 0) return "You have no site in which you may run anything. Create one in the dashboard.\n";
  const [example = ""] = sites;
  return `Say which site: connect as ${username}/SITE, for example ${username}/${example}.\nYour sites:\n${sites.map((site) => `  ${site}\n`).join("")}`;
}
