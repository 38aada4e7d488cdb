import type { Failure, FailureCode } from "#contract/failure.ts";

/** What a page says. All of it is text, never markup. */
export interface PageText {
  readonly status: number;
  readonly heading: string;
  /** What happened. */
  readonly message: string;
  /** What to do now. */
  readonly advice: string;
  readonly link?: { readonly href: string; readonly text: string } | undefined;
  /** The browser asks again after so many seconds. */
  readonly reloadSeconds?: number | undefined;
}

const headings: Partial<Record<FailureCode, string>> = {
  host_unknown: "There is no site here",
  site_not_found: "There is no site here",
  not_found: "There is no such page",
  site_not_served: "This site is not open",
  site_closed: "This site was closed",
  site_starting: "The site is starting",
  site_asleep: "The site is asleep",
  site_crashed: "The site's program has stopped",
  site_not_listening: "The site did not start",
  run_file_missing: "The site has no program yet",
  isolation_missing: "The site cannot run here",
  machine_full: "The server is full",
  site_overloaded: "Too many visitors at once",
  site_unreachable: "The site gave no answer",
  site_too_slow: "The site took too long",
  body_too_large: "That was too large",
  method_not_allowed: "That is not possible here",
  range_not_satisfiable: "There is no such part",
  request_malformed: "That request was not right",
  path_invalid: "That address was not right",
  component_away: "One moment, please",
  not_ready: "One moment, please",
};

const advice: Partial<Record<FailureCode, string>> = {
  host_unknown: "Look for a typing error in the address. If someone gave you the link, the site may have been renamed or deleted.",
  site_not_found: "Look for a typing error in the address. If someone gave you the link, the site may have been renamed or deleted.",
  not_found: "Look for a typing error in the address, or start at the site's first page.",
  site_not_served: "It was switched off for now. Its files are kept.",
  site_closed: "Its files are kept.",
  site_starting: "This page looks again by itself in a few seconds.",
  site_asleep: "Sites sleep while nobody visits them, and a visit with a browser wakes them.",
  site_crashed: "If the site is yours, look at its log in the dashboard. If not, tell its owners.",
  site_not_listening: "If the site is yours, look at its log in the dashboard. If not, tell its owners.",
  run_file_missing: "If the site is yours, add run.sh in the dashboard. If not, come back later.",
  isolation_missing: "If the site is yours, ask an administrator of this server.",
  machine_full: "Try again in a minute.",
  site_overloaded: "Wait a moment and load the page again.",
  site_unreachable: "Load the page again. If it happens again and the site is yours, look at its log in the dashboard.",
  site_too_slow: "Load the page again. If it happens again and the site is yours, look at its log in the dashboard.",
  body_too_large: "Send less at once, or ask the site's owners for a higher limit.",
  component_away: "The server is just starting again. This page looks again by itself in a few seconds.",
  not_ready: "The server is just starting again. This page looks again by itself in a few seconds.",
};

const reloading: readonly FailureCode[] = ["site_starting", "component_away", "not_ready"];

/** What to tell a person of a failure. */
export function pageTextOf(failure: Failure): PageText {
  return {
    status: failure.status,
    heading: headings[failure.code] ?? "Something went wrong",
    message: failure.message,
    advice: advice[failure.code] ?? "Go back and try again.",
    reloadSeconds: reloading.includes(failure.code) ? 5 : undefined,
  };
}

/** A page that needs nothing but itself. */
export function renderPage(text: PageText): string {
  const reload = text.reloadSeconds === undefined ? "" : `<meta http-equiv="refresh" content="${text.reloadSeconds}">`;
  const link = text.link === undefined ? "" : `<p><a href="${escapeHtml(text.link.href)}">${escapeHtml(text.link.text)}</a></p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(text.heading)}</title>
${reload}<style>${style}</style>
</head>
<body>
<main>
<p class="status">${text.status}</p>
<h1>${escapeHtml(text.heading)}</h1>
<p>${escapeHtml(text.message)}</p>
<p class="advice">${escapeHtml(text.advice)}</p>
${link}</main>
</body>
</html>
`;
}

/** Text as it may stand in HTML, in an attribute too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const style = `:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:1.05rem/1.6 system-ui,sans-serif;background:#f5f4f0;color:#23211c}
main{box-sizing:border-box;width:min(36rem,100vw - 2rem);padding:2.5rem;border-radius:1rem;background:#fff;box-shadow:0 1px 2px #0002,0 8px 32px #0001}
.status{margin:0;font:600 .9rem/1 ui-monospace,monospace;letter-spacing:.12em;color:#b4531b}
h1{margin:.6rem 0 1rem;font-size:1.7rem;line-height:1.2;text-wrap:balance}
p{margin:.6rem 0;overflow-wrap:anywhere}
.advice{color:#6a665c}
a{color:#b4531b}
@media (prefers-color-scheme:dark){body{background:#171612;color:#ece9e0}main{background:#22201b;box-shadow:none}.advice{color:#a6a193}.status,a{color:#f0a06c}}`;
